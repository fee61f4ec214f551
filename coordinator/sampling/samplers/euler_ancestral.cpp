#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {

// Euler steps that go below the next sigma and come back up with fresh noise.
at::Tensor sample_euler_ancestral(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                  SamplerContext& ctx) {
  const double eta = ctx.options.number("eta");
  const double s_noise = ctx.options.number("s_noise");
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    const AncestralStep step = get_ancestral_step(ctx.prediction, sigmas[i], sigmas[i + 1], eta);
    if (step.sigma_down == 0.0F) {
      x = denoised;
    } else {
      x = x + to_d(x, sigmas[i], denoised) * (step.sigma_down - sigmas[i]);
      x = renoise(x, step, s_noise, ctx.noise);
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
