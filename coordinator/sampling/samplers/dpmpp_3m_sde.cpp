#include <cmath>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/noise/brownian_noise.hpp"
#include "coordinator/sampling/samplers/half_log_snr.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"

namespace tandem::coordinator {
namespace {

// What the last two steps leave: predictions and lengths in half-log-SNR, the newer first.
struct Past {
  at::Tensor denoised_1, denoised_2;
  float h_1 = 0.0F, h_2 = 0.0F;

  void push(const at::Tensor& denoised, float h) {
    denoised_2 = std::exchange(denoised_1, denoised);
    h_2 = std::exchange(h_1, h);
  }
};

// The divided differences of the predictions, weighted as the exponential integrator does; of as
// many as there are. h_eta = h * (1 + eta).
at::Tensor correction(const Past& past, const at::Tensor& denoised, float h, float h_eta) {
  if (!past.denoised_1.defined()) return at::zeros_like(denoised);
  const float phi_2 = std::expm1(-h_eta) / h_eta + 1;
  const float r_0 = past.h_1 / h;
  const at::Tensor d1_0 = (denoised - past.denoised_1) / r_0;
  if (!past.denoised_2.defined()) return phi_2 * d1_0;
  const float r_1 = past.h_2 / h;
  const at::Tensor d1_1 = (past.denoised_1 - past.denoised_2) / r_1;
  const at::Tensor d1 = d1_0 + (d1_0 - d1_1) * r_0 / (r_0 + r_1);
  const at::Tensor d2 = (d1_0 - d1_1) / (r_0 + r_1);
  const float phi_3 = phi_2 / h_eta - 0.5F;
  return phi_2 * d1 - phi_3 * d2;
}

}  // namespace

// DPM-Solver++(3M) as an SDE (Katherine Crowson's, after Lu et al. 2022, arXiv:2211.01095).
at::Tensor sample_dpmpp_3m_sde(Denoiser& denoise, at::Tensor x, const Sigmas& given,
                               SamplerContext& ctx) {
  const auto eta = static_cast<float>(ctx.options.number("eta"));
  const double s_noise = ctx.options.number("s_noise");
  const BrownianNoise noise(x.sizes(), given, ctx.brownian_seed);
  const Sigmas sigmas = offset_first_sigma(given, ctx.prediction);
  Past past;
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const float next = sigmas[i + 1];
    const at::Tensor denoised = denoise(x, sigmas[i]);
    if (next == 0.0F) {
      x = denoised;
    } else {
      const float h =
          to_half_log_snr(ctx.prediction, next) - to_half_log_snr(ctx.prediction, sigmas[i]);
      const float h_eta = h * (eta + 1);
      const float alpha = alpha_at(ctx.prediction, next);
      x = next / sigmas[i] * std::exp(-h * eta) * x - alpha * std::expm1(-h_eta) * denoised;
      x = x + alpha * correction(past, denoised, h, h_eta);
      if (eta > 0.0F && s_noise > 0.0) {
        x = x + noise(sigmas[i], next) * next * std::sqrt(-std::expm1(-2 * h * eta)) * s_noise;
      }
      past.push(denoised, h);
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
