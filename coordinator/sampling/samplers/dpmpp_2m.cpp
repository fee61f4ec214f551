#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"

namespace tandem::coordinator {
namespace {

// Half the log-SNR, which DPM-Solver++ calls lambda.
float log_snr(float sigma) {
  return -std::log(sigma);
}

}  // namespace

// DPM-Solver++(2M) (Lu et al. 2022, arXiv:2211.01095, algorithm 2): the prediction is extrapolated
// from this one and the last. First and last step are of first order.
at::Tensor sample_dpmpp_2m(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                           SamplerContext& ctx) {
  at::Tensor old_denoised;
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    const float t = log_snr(sigmas[i]);
    const float t_next = log_snr(sigmas[i + 1]);
    const float h = t_next - t;
    at::Tensor extrapolated = denoised;
    if (old_denoised.defined() && sigmas[i + 1] != 0.0F) {
      const float r = (t - log_snr(sigmas[i - 1])) / h;
      extrapolated = (1 + 1 / (2 * r)) * denoised - (1 / (2 * r)) * old_denoised;
    }
    x = (std::exp(-t_next) / std::exp(-t)) * x - std::expm1(-h) * extrapolated;
    old_denoised = denoised;
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
