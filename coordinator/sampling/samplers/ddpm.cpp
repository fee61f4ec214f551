#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {
namespace {

// The posterior's mean and noise (Ho et al. 2020, algorithm 2), x and eps in the variance
// preserving scale.
at::Tensor ddpm_step(const at::Tensor& x, float sigma, float next, const at::Tensor& eps,
                     NoiseGenerator& noise) {
  const float alpha_cumprod = 1 / (sigma * sigma + 1);
  const float alpha_cumprod_next = 1 / (next * next + 1);
  const float alpha = alpha_cumprod / alpha_cumprod_next;
  at::Tensor mean = std::sqrt(1 / alpha) * (x - (1 - alpha) * eps / std::sqrt(1 - alpha_cumprod));
  if (next <= 0.0F) return mean;
  const float variance = (1 - alpha) * (1 - alpha_cumprod_next) / (1 - alpha_cumprod);
  return mean + std::sqrt(variance) * noise.draw(x.sizes());
}

}  // namespace

// Denoising diffusion probabilistic models (Ho et al. 2020, arXiv:2006.11239).
at::Tensor sample_ddpm(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx) {
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float next = sigmas[i + 1];
    const at::Tensor denoised = denoise(x, sigmas[i]);
    const at::Tensor preserving = x / std::sqrt(1 + sigmas[i] * sigmas[i]);
    x = ddpm_step(preserving, sigmas[i], next, to_d(x, sigmas[i], denoised), ctx.noise);
    if (next != 0.0F) x = x * std::sqrt(1 + next * next);
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
