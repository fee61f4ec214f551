#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/noise/brownian_noise.hpp"
#include "coordinator/sampling/samplers/half_log_snr.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {
namespace {

// One ancestral step of first order in half-log-SNR. noise: scaled by s_noise; undefined for none.
at::Tensor step_to(const models::Prediction& prediction, const at::Tensor& x,
                   const at::Tensor& denoised, float sigma, float next, double eta,
                   const at::Tensor& noise) {
  const float lambda = to_half_log_snr(prediction, sigma);
  const float lambda_next = to_half_log_snr(prediction, next);
  const float alpha = sigma * std::exp(lambda);
  const float alpha_next = next * std::exp(lambda_next);
  const AncestralStep step = get_ancestral_step(std::exp(-lambda), std::exp(-lambda_next), eta);
  const float h = -std::log(step.sigma_down) - lambda;
  const at::Tensor stepped =
      alpha_next / alpha * std::exp(-h) * x - alpha_next * std::expm1(-h) * denoised;
  return noise.defined() ? stepped + alpha_next * noise * step.sigma_up : stepped;
}

}  // namespace

// DPM-Solver++ as an SDE (Lu et al. 2022, arXiv:2211.01095; Katherine Crowson): two predictions a
// step, the second at the share r of the way in half-log-SNR.
at::Tensor sample_dpmpp_sde(Denoiser& denoise, at::Tensor x, const Sigmas& given,
                            SamplerContext& ctx) {
  const double eta = ctx.options.number("eta");
  const double s_noise = ctx.options.number("s_noise");
  const auto r = static_cast<float>(ctx.options.number("r"));
  const BrownianNoise brownian(x.sizes(), given, ctx.brownian_seed);
  const Sigmas sigmas = offset_first_sigma(given, ctx.prediction);
  const auto noise = [&](float from, float to) {
    return eta > 0.0 && s_noise > 0.0 ? brownian(from, to) * s_noise : at::Tensor();
  };
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float sigma = sigmas[i];
    const float next = sigmas[i + 1];
    const at::Tensor denoised = denoise(x, sigma);
    if (next == 0.0F) {
      x = denoised;
    } else {
      const float lambda = to_half_log_snr(ctx.prediction, sigma);
      const float h = to_half_log_snr(ctx.prediction, next) - lambda;
      const float middle = half_log_snr_to_sigma(ctx.prediction, lambda + r * h);
      const at::Tensor x_2 =
          step_to(ctx.prediction, x, denoised, sigma, middle, eta, noise(sigma, middle));
      const at::Tensor denoised_2 = denoise(x_2, middle);
      const float second = 1 / (2 * r);
      x = step_to(ctx.prediction, x, (1 - second) * denoised + second * denoised_2, sigma, next,
                  eta, noise(sigma, next));
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
