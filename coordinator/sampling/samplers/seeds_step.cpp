#include "coordinator/sampling/samplers/seeds_step.hpp"

#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/half_log_snr.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {

SeedsStep::SeedsStep(SamplerContext& ctx, const at::Tensor& x, float sigma, float next, double eta,
                     double s_noise)
    : ctx_(ctx),
      x_(x),
      sigma_(sigma),
      eta_(static_cast<float>(eta)),
      s_noise_(eta > 0.0 ? s_noise : 0.0),
      lambda_(to_half_log_snr(ctx.prediction, sigma)),
      lambda_next_(to_half_log_snr(ctx.prediction, next)),
      h_(lambda_next_ - lambda_) {}

float SeedsStep::sigma_at(double r) const {
  return half_log_snr_to_sigma(ctx_.prediction, lerp(lambda_, lambda_next_, static_cast<float>(r)));
}

float SeedsStep::phi_1(double r) const {
  return std::expm1(static_cast<float>(-r) * (h_ * (eta_ + 1)));
}

float SeedsStep::phi_2(double r) const {
  const float t = static_cast<float>(-r) * (h_ * (eta_ + 1));
  return (std::expm1(t) - t) / t;
}

at::Tensor SeedsStep::x_at(double r, const at::Tensor& weighted) {
  const float sigma = sigma_at(r);
  const float alpha = alpha_at(ctx_.prediction, sigma);
  at::Tensor x =
      sigma / sigma_ * std::exp(static_cast<float>(-r) * h_ * eta_) * x_ - alpha * weighted;
  if (s_noise_ > 0.0) {
    draw_up_to(r, x_.sizes());
    x = x + noise_ * sigma * s_noise_;
  }
  return x;
}

// What was drawn fades by the rest of the way, which brings noise of its own.
void SeedsStep::draw_up_to(double r, at::IntArrayRef shape) {
  const float fade = static_cast<float>(noise_share_ - r) * h_ * eta_;
  const at::Tensor fresh = std::sqrt(-std::expm1(2 * fade)) * ctx_.noise.draw(shape);
  noise_ = noise_.defined() ? noise_ * std::exp(fade) + fresh : fresh;
  noise_share_ = r;
}

}  // namespace tandem::coordinator
