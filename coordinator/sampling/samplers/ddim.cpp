#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {

// DDIM with eta 0 is Euler's method in sigma (Song et al. 2020, section 4.3).
at::Tensor sample_ddim(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx) {
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    x = x + to_d(x, sigmas[i], denoised) * (sigmas[i + 1] - sigmas[i]);
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
