#include "coordinator/sampling/samplers/steps.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include <ATen/ATen.h>

namespace tandem::coordinator {

at::Tensor to_d(const at::Tensor& x, float sigma, const at::Tensor& denoised) {
  return (x - denoised) / sigma;
}

float lerp(float start, float end, float weight) {
  return weight < 0.5F ? start + weight * (end - start) : end - (end - start) * (1 - weight);
}

float middle_sigma(float from, float to) {
  return std::exp(lerp(std::log(from), std::log(to), 0.5F));
}

AncestralStep get_ancestral_step(float sigma_from, float sigma_to, double eta) {
  if (eta == 0.0) return {sigma_to, 0.0F};
  const float from = sigma_from * sigma_from;
  const float to = sigma_to * sigma_to;
  const float up = std::min(sigma_to, static_cast<float>(eta) * std::sqrt(to * (from - to) / from));
  return {std::sqrt(to - up * up), up};
}

AncestralStep get_ancestral_step(const models::Prediction& prediction, float sigma_from,
                                 float sigma_to, double eta) {
  if (!prediction.is_flow() || eta == 0.0) return get_ancestral_step(sigma_from, sigma_to, eta);
  const float sigma_down = sigma_to * (1 + (sigma_to / sigma_from - 1) * static_cast<float>(eta));
  const float alpha = 1 - sigma_to;
  const float alpha_down = 1 - sigma_down;
  const float missing =
      sigma_to * sigma_to - sigma_down * sigma_down * (alpha * alpha) / (alpha_down * alpha_down);
  return {sigma_down, std::sqrt(missing), alpha / alpha_down};
}

at::Tensor renoise(const at::Tensor& x, const AncestralStep& step, double s_noise,
                   NoiseGenerator& noise) {
  return x * step.scale + noise.draw(x.sizes()) * s_noise * step.sigma_up;
}

Churn::Churn(SamplerContext& ctx, bool draws_always)
    : noise_(ctx.global_noise),
      draws_always_(draws_always),
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
  at::Tensor eps;
  if (gamma > 0.0 || draws_always_) eps = noise_.draw(x.sizes()) * s_noise_;
  if (gamma <= 0.0) return sigma;
  const float sigma_hat = sigma * static_cast<float>(gamma + 1.0);
  x = x + eps * std::sqrt(sigma_hat * sigma_hat - sigma * sigma);
  return sigma_hat;
}

void History::push(at::Tensor newest) {
  tensors_.push_front(std::move(newest));
  if (tensors_.size() > longest_) tensors_.pop_back();
}

}  // namespace tandem::coordinator
