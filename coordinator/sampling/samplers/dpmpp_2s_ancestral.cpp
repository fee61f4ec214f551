#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/half_log_snr.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {
namespace {

// The level half-way in half-log-SNR. Flow's first sigma is infinitely far.
float sigma_between(const models::Prediction& prediction, float from, float to) {
  constexpr float kNearPureNoise = 0.9999F;
  if (prediction.is_flow() && from == 1.0F) return kNearPureNoise;
  const float lambda = to_half_log_snr(prediction, from);
  const float h = to_half_log_snr(prediction, to) - lambda;
  return half_log_snr_to_sigma(prediction, lambda + 0.5F * h);
}

// The exponential integrator's step of first order, which keeps the share to / from of x.
at::Tensor step_to(const at::Tensor& x, const at::Tensor& denoised, float from, float to) {
  const float keep = to / from;
  return keep * x + (1 - keep) * denoised;
}

}  // namespace

// Ancestral DPM-Solver++(2S) (Lu et al. 2022, arXiv:2211.01095, algorithm 1, with r = 1/2).
at::Tensor sample_dpmpp_2s_ancestral(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                     SamplerContext& ctx) {
  const double eta = ctx.options.number("eta");
  const double s_noise = ctx.options.number("s_noise");
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    const AncestralStep step = get_ancestral_step(ctx.prediction, sigmas[i], sigmas[i + 1], eta);
    at::Tensor middle_denoised = denoised;
    if (step.sigma_down != 0.0F) {
      const float middle = sigma_between(ctx.prediction, sigmas[i], step.sigma_down);
      middle_denoised = denoise(step_to(x, denoised, sigmas[i], middle), middle);
    }
    x = step_to(x, middle_denoised, sigmas[i], step.sigma_down);
    if (sigmas[i + 1] > 0.0F) x = renoise(x, step, s_noise, ctx.noise);
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
