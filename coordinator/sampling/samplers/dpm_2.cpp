#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {

// Karras et al. 2022, algorithm 2, with the slope taken half-way in log sigma, as DPM-Solver-2 does
// (Lu et al. 2022, arXiv:2206.00927).
at::Tensor sample_dpm_2(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                        SamplerContext& ctx) {
  Churn churn(ctx);
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float next = sigmas[i + 1];
    const float sigma_hat = churn.raise(x, sigmas[i]);
    const at::Tensor denoised = denoise(x, sigma_hat);
    at::Tensor d = to_d(x, sigma_hat, denoised);
    if (next != 0.0F) {
      const float middle = middle_sigma(sigma_hat, next);
      const at::Tensor x_middle = x + d * (middle - sigma_hat);
      d = to_d(x_middle, middle, denoise(x_middle, middle));
    }
    x = x + d * (next - sigma_hat);
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
