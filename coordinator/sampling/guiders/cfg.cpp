#include <ATen/ATen.h>

#include "coordinator/sampling/guiders/guidance.hpp"
#include "coordinator/sampling/guiders/guiders.hpp"

namespace tandem::coordinator {

std::vector<ListId> cfg_lists(const GuiderSettings& settings) {
  if (is_one(settings.cfg) && !settings.keeps_all_lists) return {ListId::kPositive};
  return {ListId::kPositive, ListId::kNegative};
}

GuidedPrediction cfg_combine(const Predictions& predictions, const GuiderSettings& settings) {
  return {guide(predictions, predictions.positive, predictions.negative, settings.cfg, settings),
          predictions.negative};
}

}  // namespace tandem::coordinator
