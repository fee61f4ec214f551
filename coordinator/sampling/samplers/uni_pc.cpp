#include <algorithm>
#include <cmath>
#include <deque>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/uni_pc_system.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::size_t kLargestOrder = 3;

// The model's image at a level.
struct Point {
  VpLevel level;
  at::Tensor denoised;
};

// One sampling; x is in the variance preserving scale.
class UniPc {
 public:
  UniPc(Denoiser& denoise, UniPcVariant variant, at::Tensor x)
      : denoise_(denoise), variant_(variant), x_(std::move(x)) {}

  const at::Tensor& x() const { return x_; }
  const at::Tensor& denoised() const { return points_.front().denoised; }

  // Remembers the model's image of x at sigma.
  void evaluate(float sigma) { remember(point_at(x_, sigma)); }

  // Predicts x at sigma with that order, and corrects it by the model's image there.
  void step(float sigma, std::size_t order, bool corrects);

 private:
  Point point_at(const at::Tensor& x, float sigma) {
    const VpLevel level = vp_level(sigma);
    return {level, denoise_(x * std::sqrt(sigma * sigma + 1), sigma)};
  }
  void remember(Point point) {
    points_.push_front(std::move(point));
    if (points_.size() > kLargestOrder) points_.pop_back();
  }

  Denoiser& denoise_;
  UniPcVariant variant_;
  at::Tensor x_;
  std::deque<Point> points_;  // the newest first
};

void UniPc::step(float sigma, std::size_t order, bool corrects) {
  const VpLevel level = vp_level(sigma);
  const Point last = points_.front();
  const float h = level.lambda - last.level.lambda;
  std::vector<float> ratios;
  std::vector<at::Tensor> differences;
  for (std::size_t k = 1; k < order; ++k) {
    ratios.push_back((points_[k].level.lambda - last.level.lambda) / h);
    differences.push_back((points_[k].denoised - last.denoised) / ratios.back());
  }
  ratios.push_back(1.0F);
  const UniPcSystem system(ratios, -h, variant_);
  const auto moved = [&](const std::vector<float>& weights) {
    at::Tensor x = level.std / last.level.std * x_ - level.alpha * std::expm1(-h) * last.denoised;
    for (std::size_t k = 0; k < weights.size(); ++k)
      x = x - level.alpha * system.b_h() * weights[k] * differences[k];
    return x;
  };

  const at::Tensor predicted = moved(system.solve(order - 1, order == 2));
  if (!corrects) {
    x_ = predicted;
    return;
  }
  remember(point_at(predicted, sigma));
  differences.push_back(denoised() - last.denoised);
  x_ = moved(system.solve(order, order == 1));
}

// The step to the last sigma needs no model call, so it belongs to the one before it.
at::Tensor sample_with(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx,
                       UniPcVariant variant) {
  if (sigmas.size() < 2) return x;
  const std::size_t steps = sigmas.size() - 1;
  const std::size_t order = std::min(kLargestOrder, steps - 1);
  x = x / std::sqrt(1 + sigmas[0] * sigmas[0]);
  UniPc solver(denoise, variant, std::move(x));
  for (std::size_t i = 0; i < steps; ++i) {
    if (i == 0) {
      solver.evaluate(sigmas[0]);
    } else {
      solver.step(sigmas[i], std::min({order, i, steps + 1 - i}), true);
      if (i + 1 == steps) solver.step(sigmas[steps], 1, false);
    }
    ctx.report(i, solver.denoised());
  }
  return solver.x() / vp_level(sigmas.back()).alpha;
}

}  // namespace

// UniPC (Zhao et al. 2023, arXiv:2302.04867): predictor and corrector of up to third order, with
// B(h) = h. As in ComfyUI a single step only evaluates the model.
at::Tensor sample_uni_pc(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                         SamplerContext& ctx) {
  return sample_with(denoise, std::move(x), sigmas, ctx, UniPcVariant::kBh1);
}

// The same with B(h) = exp(h) - 1.
at::Tensor sample_uni_pc_bh2(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                             SamplerContext& ctx) {
  return sample_with(denoise, std::move(x), sigmas, ctx, UniPcVariant::kBh2);
}

}  // namespace tandem::coordinator
