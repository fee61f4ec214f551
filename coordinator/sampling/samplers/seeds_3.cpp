#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/half_log_snr.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/seeds_step.hpp"

namespace tandem::coordinator {

// SEEDS-3 (Gonzalez et al. 2023, arXiv:2305.14267): three predictions a step, at the shares r_1 and
// r_2 of it.
at::Tensor sample_seeds_3(Denoiser& denoise, at::Tensor x, const Sigmas& given,
                          SamplerContext& ctx) {
  const double eta = ctx.options.number("eta");
  const double s_noise = ctx.options.number("s_noise");
  const double r_1 = ctx.options.number("r_1");
  const double r_2 = ctx.options.number("r_2");
  const Sigmas sigmas = offset_first_sigma(given, ctx.prediction);
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    if (sigmas[i + 1] == 0.0F) {
      x = denoised;
    } else {
      SeedsStep step(ctx, x, sigmas[i], sigmas[i + 1], eta, s_noise);
      const at::Tensor x_2 = step.x_at(r_1, step.phi_1(r_1) * denoised);
      const at::Tensor denoised_2 = denoise(x_2, step.sigma_at(r_1));

      const float a_2 = static_cast<float>(r_2 / r_1) * step.phi_2(r_2);
      const float a_1 = step.phi_1(r_2) - a_2;
      const at::Tensor x_3 = step.x_at(r_2, a_1 * denoised + a_2 * denoised_2);
      const at::Tensor denoised_3 = denoise(x_3, step.sigma_at(r_2));

      const float b_3 = step.phi_2(1) / static_cast<float>(r_2);
      const float b_1 = step.phi_1(1) - b_3;
      x = step.x_at(1, b_1 * denoised + b_3 * denoised_3);
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
