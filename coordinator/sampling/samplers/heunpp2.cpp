#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {

// Heun++ (Carzit's sd-webui-samplers-scheduler): the slopes at this sigma and at the next one or
// two, weighted by those sigmas; fewer of them towards the last sigma.
at::Tensor sample_heunpp2(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                          SamplerContext& ctx) {
  Churn churn(ctx, true);
  const float end = sigmas.back();
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float next = sigmas[i + 1];
    const float sigma_hat = churn.raise(x, sigmas[i]);
    const at::Tensor denoised = denoise(x, sigma_hat);
    at::Tensor d = to_d(x, sigma_hat, denoised);
    if (next != end) {
      const float after = sigmas[i + 2];
      const float slopes = after == end ? 2.0F : 3.0F;
      const float w_2 = next / (slopes * sigmas[0]);
      const at::Tensor x_2 = x + d * (next - sigma_hat);
      const at::Tensor d_2 = to_d(x_2, next, denoise(x_2, next));
      if (after == end) {
        d = d * (1 - w_2) + d_2 * w_2;
      } else {
        const float w_3 = after / (slopes * sigmas[0]);
        const at::Tensor x_3 = x_2 + d_2 * (after - next);
        const at::Tensor d_3 = to_d(x_3, after, denoise(x_3, after));
        d = d * (1 - w_2 - w_3) + d_2 * w_2 + d_3 * w_3;
      }
    }
    x = x + d * (next - sigma_hat);
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
