#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {
namespace {

// cfg_pp: the slope is the unconditional prediction's.
at::Tensor estimate_gradients(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                              SamplerContext& ctx, bool cfg_pp) {
  const double gamma = ctx.options.number("ge_gamma");
  at::Tensor old_d;
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float dt = sigmas[i + 1] - sigmas[i];
    const auto [denoised, uncond] = denoise.predict(x, sigmas[i]);
    const at::Tensor d = to_d(x, sigmas[i], cfg_pp ? uncond : denoised);
    if (sigmas[i + 1] == 0.0F) {
      x = denoised;
    } else {
      x = cfg_pp ? denoised + d * sigmas[i + 1] : x + d * dt;
      if (old_d.defined()) x = x + (gamma - 1) * (d - old_d) * dt;
    }
    old_d = d;
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace

// Sampling as gradient descent on the distance to the data (Permenter and Yuan 2023,
// arXiv:2306.04848): Euler's method with an estimate of the slope from this step and the last.
at::Tensor sample_gradient_estimation(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                      SamplerContext& ctx) {
  return estimate_gradients(denoise, std::move(x), sigmas, ctx, false);
}

// The same with CFG++ (Chung et al. 2024, arXiv:2406.08070).
at::Tensor sample_gradient_estimation_cfg_pp(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                             SamplerContext& ctx) {
  return estimate_gradients(denoise, std::move(x), sigmas, ctx, true);
}

}  // namespace tandem::coordinator
