#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {

// Euler's method on the probability flow ODE with optional churn (Karras et al. 2022, algorithm 2
// without its second order).
at::Tensor sample_euler(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                        SamplerContext& ctx) {
  Churn churn(ctx);
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float sigma_hat = churn.raise(x, sigmas[i]);
    const at::Tensor denoised = denoise(x, sigma_hat);
    x = x + to_d(x, sigma_hat, denoised) * (sigmas[i + 1] - sigma_hat);
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
