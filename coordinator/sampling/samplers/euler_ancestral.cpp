#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {
namespace {

at::Tensor sample_variance_exploding(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                     SamplerContext& ctx) {
  const double eta = ctx.options.number("eta");
  const double s_noise = ctx.options.number("s_noise");
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    const auto [sigma_down, sigma_up] = get_ancestral_step(sigmas[i], sigmas[i + 1], eta);
    if (sigma_down == 0.0F) {
      x = denoised;
    } else {
      x = x + to_d(x, sigmas[i], denoised) * (sigma_down - sigmas[i]) +
          ctx.noise.draw(x.sizes()) * s_noise * sigma_up;
    }
    ctx.report(i, denoised);
  }
  return x;
}

// The same idea where x is (1 - sigma) * image + sigma * noise: step to below the next sigma, then
// scale the image back and add the noise that is missing (k-diffusion's sample_euler_ancestral_RF).
at::Tensor sample_rectified_flow(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                 SamplerContext& ctx) {
  const auto eta = static_cast<float>(ctx.options.number("eta"));
  const double s_noise = ctx.options.number("s_noise");
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float next = sigmas[i + 1];
    const at::Tensor denoised = denoise(x, sigmas[i]);
    if (next == 0.0F) {
      x = denoised;
    } else {
      const float sigma_down = next * (1 + (next / sigmas[i] - 1) * eta);
      const float keep = sigma_down / sigmas[i];
      x = keep * x + (1 - keep) * denoised;
      if (eta > 0.0F) {
        const float alpha = 1 - next;
        const float alpha_down = 1 - sigma_down;
        const float missing =
            next * next - sigma_down * sigma_down * (alpha * alpha) / (alpha_down * alpha_down);
        x = (alpha / alpha_down) * x + ctx.noise.draw(x.sizes()) * s_noise * std::sqrt(missing);
      }
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace

// Euler steps that go below the next sigma and come back up with fresh noise.
at::Tensor sample_euler_ancestral(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                  SamplerContext& ctx) {
  return ctx.prediction.is_flow() ? sample_rectified_flow(denoise, std::move(x), sigmas, ctx)
                                  : sample_variance_exploding(denoise, std::move(x), sigmas, ctx);
}

}  // namespace tandem::coordinator
