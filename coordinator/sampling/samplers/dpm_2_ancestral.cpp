#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {

// dpm_2's steps, to below the next sigma and back up with fresh noise.
at::Tensor sample_dpm_2_ancestral(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                  SamplerContext& ctx) {
  const double eta = ctx.options.number("eta");
  const double s_noise = ctx.options.number("s_noise");
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    const AncestralStep step = get_ancestral_step(ctx.prediction, sigmas[i], sigmas[i + 1], eta);
    at::Tensor d = to_d(x, sigmas[i], denoised);
    if (step.sigma_down != 0.0F) {
      const float middle = middle_sigma(sigmas[i], step.sigma_down);
      const at::Tensor x_middle = x + d * (middle - sigmas[i]);
      d = to_d(x_middle, middle, denoise(x_middle, middle));
    }
    x = x + d * (step.sigma_down - sigmas[i]);
    if (step.sigma_down != 0.0F) x = renoise(x, step, s_noise, ctx.noise);
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
