#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/half_log_snr.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {
namespace {

// DDIM with eta, from the guided image and the noise that the unconditional prediction leaves in x.
at::Tensor sample_with(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx,
                       double eta, double s_noise) {
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float next = sigmas[i + 1];
    const auto [denoised, uncond] = denoise.predict(x, sigmas[i]);
    if (next == 0.0F) {
      x = denoised;
    } else {
      const float alpha = alpha_at(ctx.prediction, sigmas[i]);
      const float alpha_next = alpha_at(ctx.prediction, next);
      const at::Tensor noise = to_d(x, sigmas[i], alpha * uncond);
      const AncestralStep step = get_ancestral_step(sigmas[i] / alpha, next / alpha_next, eta);
      x = alpha_next * denoised + alpha_next * step.sigma_down * noise;
      if (eta > 0.0 && s_noise > 0.0) {
        x = x + alpha_next * ctx.noise.draw(x.sizes()) * s_noise * step.sigma_up;
      }
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace

// Euler's method with CFG++ (Chung et al. 2024, arXiv:2406.08070).
at::Tensor sample_euler_cfg_pp(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                               SamplerContext& ctx) {
  return sample_with(denoise, std::move(x), sigmas, ctx, 0.0, 0.0);
}

at::Tensor sample_euler_ancestral_cfg_pp(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                         SamplerContext& ctx) {
  return sample_with(denoise, std::move(x), sigmas, ctx, ctx.options.number("eta"),
                     ctx.options.number("s_noise"));
}

}  // namespace tandem::coordinator
