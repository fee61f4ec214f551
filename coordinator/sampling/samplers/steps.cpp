#include "coordinator/sampling/samplers/steps.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <ATen/ATen.h>

namespace tandem::coordinator {

at::Tensor to_d(const at::Tensor& x, float sigma, const at::Tensor& denoised) {
  return (x - denoised) / sigma;
}

AncestralStep get_ancestral_step(float sigma_from, float sigma_to, double eta) {
  if (eta == 0.0) return {sigma_to, 0.0F};
  const float from = sigma_from * sigma_from;
  const float to = sigma_to * sigma_to;
  const float up = std::min(sigma_to, static_cast<float>(eta) * std::sqrt(to * (from - to) / from));
  return {std::sqrt(to - up * up), up};
}

Churn::Churn(SamplerContext& ctx)
    : noise_(ctx.global_noise),
      gamma_(std::min(ctx.options.number("s_churn") / static_cast<double>(ctx.sigmas.size() - 1),
                      std::numbers::sqrt2 - 1.0)),
      s_tmin_(static_cast<float>(ctx.options.number("s_tmin"))),
      s_tmax_(static_cast<float>(ctx.options.number("s_tmax"))),
      s_noise_(ctx.options.number("s_noise")) {}

double Churn::gamma_at(float sigma) const {
  return gamma_ > 0.0 && s_tmin_ <= sigma && sigma <= s_tmax_ ? gamma_ : 0.0;
}

float Churn::raise(at::Tensor& x, float sigma) {
  const double gamma = gamma_at(sigma);
  if (gamma <= 0.0) return sigma;
  const float sigma_hat = sigma * static_cast<float>(gamma + 1.0);
  const at::Tensor eps = noise_.draw(x.sizes()) * s_noise_;
  x = x + eps * std::sqrt(sigma_hat * sigma_hat - sigma * sigma);
  return sigma_hat;
}

}  // namespace tandem::coordinator
