#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"

namespace tandem::coordinator {

// dpmpp_2m with CFG++ (Chung et al. 2024, arXiv:2406.08070): the guided image, and the rest of x as
// the unconditional one tells it.
at::Tensor sample_dpmpp_2m_cfg_pp(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                  SamplerContext& ctx) {
  at::Tensor old_uncond;
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const auto [denoised, uncond] = denoise.predict(x, sigmas[i]);
    const float t = -std::log(sigmas[i]);
    const float h = -std::log(sigmas[i + 1]) - t;
    const float keep = std::exp(-h);
    at::Tensor mixed = denoised - keep * uncond;
    if (old_uncond.defined() && sigmas[i + 1] != 0.0F) {
      const float r = (t + std::log(sigmas[i - 1])) / h;
      mixed = mixed - std::expm1(-h) * (1 / (2 * r)) * (denoised - old_uncond);
    }
    x = mixed + keep * x;
    old_uncond = uncond;
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
