#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {

// dpmpp_2s_ancestral with CFG++ (Chung et al. 2024, arXiv:2406.08070): what is kept of x is first
// moved from the unconditional image to the guided one.
at::Tensor sample_dpmpp_2s_ancestral_cfg_pp(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                            SamplerContext& ctx) {
  const double eta = ctx.options.number("eta");
  const double s_noise = ctx.options.number("s_noise");
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const auto [denoised, uncond] = denoise.predict(x, sigmas[i]);
    const AncestralStep step = get_ancestral_step(sigmas[i], sigmas[i + 1], eta);
    if (step.sigma_down == 0.0F) {
      x = denoised;
    } else {
      const float middle = middle_sigma(sigmas[i], step.sigma_down);
      const float keep_middle = middle / sigmas[i];
      const float keep = step.sigma_down / sigmas[i];
      const at::Tensor x_middle =
          keep_middle * (x + (denoised - uncond)) + (1 - keep_middle) * denoised;
      const auto [denoised_2, uncond_2] = denoise.predict(x_middle, middle);
      // The reference's unconditional image is the last one evaluated.
      x = keep * (x + (denoised - uncond_2)) + (1 - keep) * denoised_2;
    }
    if (sigmas[i + 1] > 0.0F) x = renoise(x, step, s_noise, ctx.noise);
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
