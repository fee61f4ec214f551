#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {

// Karras et al. 2022, algorithm 2: Heun's second order method. The last step, to sigma 0, is
// Euler's, since the slope at 0 is not defined.
at::Tensor sample_heun(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx) {
  Churn churn(ctx);
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float next = sigmas[i + 1];
    const float sigma_hat = churn.raise(x, sigmas[i]);
    const float dt = next - sigma_hat;
    const at::Tensor denoised = denoise(x, sigma_hat);
    at::Tensor d = to_d(x, sigma_hat, denoised);
    if (next != 0.0F) {
      const at::Tensor x_next = x + d * dt;
      d = (d + to_d(x_next, next, denoise(x_next, next))) / 2;
    }
    x = x + d * dt;
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
