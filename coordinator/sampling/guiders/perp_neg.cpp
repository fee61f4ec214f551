#include <ATen/ATen.h>

#include "coordinator/sampling/guiders/guidance.hpp"
#include "coordinator/sampling/guiders/guiders.hpp"

namespace tandem::coordinator {

std::vector<ListId> perp_neg_lists(const GuiderSettings& settings) {
  const bool skips_negative = !settings.keeps_all_lists && settings.guider.neg_scale == 0.0;
  if (skips_negative && is_one(settings.cfg)) return {ListId::kPositive};
  if (skips_negative) return {ListId::kPositive, ListId::kMiddle};
  return {ListId::kPositive, ListId::kMiddle, ListId::kNegative};
}

GuidedPrediction perp_neg_combine(const Predictions& p, const GuiderSettings& settings) {
  const at::Tensor positive = p.positive - p.middle;
  const at::Tensor negative = p.negative - p.middle;
  const at::Tensor along = (negative * positive).sum() / at::norm(positive).square();
  const at::Tensor perpendicular = (negative - along * positive) * settings.guider.neg_scale;
  return {p.middle + settings.cfg * (positive - perpendicular), p.negative};
}

}  // namespace tandem::coordinator
