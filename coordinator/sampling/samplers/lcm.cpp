#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"

namespace tandem::coordinator {

// Multistep consistency sampling (Luo et al. 2023, arXiv:2310.04378, algorithm 3): predict the
// image, add fresh noise of the next level.
at::Tensor sample_lcm(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx) {
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    x = denoised;
    if (sigmas[i + 1] > 0.0F) {
      x = ctx.prediction.noise_scaling(sigmas[i + 1], ctx.noise.draw(x.sizes()), x, false);
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
