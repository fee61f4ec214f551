#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/noise/brownian_noise.hpp"
#include "coordinator/sampling/samplers/half_log_snr.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"

namespace tandem::coordinator {

// DPM-Solver++(2M) as an SDE (Lu et al. 2022, arXiv:2211.01095): the correction from the last
// step's prediction is of the midpoint or of Heun's kind.
at::Tensor sample_dpmpp_2m_sde(Denoiser& denoise, at::Tensor x, const Sigmas& given,
                               SamplerContext& ctx) {
  const auto eta = static_cast<float>(ctx.options.number("eta"));
  const double s_noise = ctx.options.number("s_noise");
  const bool is_heun = ctx.options.text("solver_type") == "heun";
  const BrownianNoise noise(x.sizes(), given, ctx.brownian_seed);
  const Sigmas sigmas = offset_first_sigma(given, ctx.prediction);
  at::Tensor old_denoised;
  float h_last = 0.0F;
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float next = sigmas[i + 1];
    const at::Tensor denoised = denoise(x, sigmas[i]);
    if (next == 0.0F) {
      x = denoised;
    } else {
      const float h =
          to_half_log_snr(ctx.prediction, next) - to_half_log_snr(ctx.prediction, sigmas[i]);
      const float h_eta = h * (eta + 1);
      const float phi_1 = -std::expm1(-h_eta);
      const float alpha = alpha_at(ctx.prediction, next);
      x = next / sigmas[i] * std::exp(-h * eta) * x + alpha * phi_1 * denoised;
      if (old_denoised.defined()) {
        const float weight = is_heun ? phi_1 / -h_eta + 1 : 0.5F * phi_1;
        x = x + alpha * weight * (h / h_last) * (denoised - old_denoised);
      }
      if (eta > 0.0F && s_noise > 0.0) {
        x = x + noise(sigmas[i], next) * next * std::sqrt(-std::expm1(-2 * h * eta)) * s_noise;
      }
      h_last = h;
    }
    old_denoised = denoised;
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
