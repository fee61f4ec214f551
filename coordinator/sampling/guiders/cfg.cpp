#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/guiders/guiders.hpp"

namespace tandem::coordinator {
namespace {

// Python's math.isclose(cfg, 1.0).
bool is_one(double cfg) {
  return std::abs(cfg - 1.0) <= 1e-9 * std::max(std::abs(cfg), 1.0);
}

}  // namespace

std::vector<ListId> cfg_lists(const GuiderSettings& settings) {
  if (is_one(settings.cfg)) return {ListId::kPositive};
  return {ListId::kPositive, ListId::kNegative};
}

at::Tensor cfg_combine(std::span<const at::Tensor> predictions, const GuiderSettings& settings) {
  const at::Tensor& positive = predictions[0];
  if (predictions.size() == 1) return positive;
  const at::Tensor& negative = predictions[1];
  return negative + (positive - negative) * settings.cfg;
}

}  // namespace tandem::coordinator
