#include "coordinator/sampling/guiders/guidance.hpp"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace tandem::coordinator {
namespace {

at::Tensor std_per_item(const at::Tensor& x) {
  return at::std(x, at::IntArrayRef{1, 2, 3}, /*unbiased=*/true, /*keepdim=*/true);
}

// Between image and velocity at a noise level, for x = image + sigma * noise.
class Velocity {
 public:
  Velocity(const at::Tensor& x, float sigma)
      : skipped_(x / (sigma * sigma + 1)), scale_(std::sqrt(sigma * sigma + 1) / sigma) {}

  at::Tensor of(const at::Tensor& denoised) const { return (skipped_ - denoised) * scale_; }
  at::Tensor denoised(const at::Tensor& v) const { return skipped_ - v / scale_; }

 private:
  at::Tensor skipped_;
  float scale_;
};

}  // namespace

bool is_one(double cfg) {
  return std::abs(cfg - 1.0) <= 1e-9 * std::max(std::abs(cfg), 1.0);
}

at::Tensor guide(const Predictions& predictions, const at::Tensor& towards, const at::Tensor& away,
                 double cfg, const GuiderSettings& settings) {
  const double rescale = settings.guider.rescale;
  if (rescale == 0.0) return away + (towards - away) * cfg;
  const Velocity velocity(predictions.x, predictions.sigma);
  const at::Tensor v_towards = velocity.of(towards);
  const at::Tensor v_away = velocity.of(away);
  const at::Tensor v = v_away + cfg * (v_towards - v_away);
  const at::Tensor rescaled = v * (std_per_item(v_towards) / std_per_item(v));
  return velocity.denoised(rescale * rescaled + (1 - rescale) * v);
}

}  // namespace tandem::coordinator
