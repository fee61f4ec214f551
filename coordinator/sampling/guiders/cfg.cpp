#include <ATen/ATen.h>

#include "coordinator/sampling/guiders/guidance.hpp"
#include "coordinator/sampling/guiders/guiders.hpp"

namespace tandem::coordinator {

namespace {

bool takes_positive_alone(const GuiderSettings& settings) {
  return is_one(settings.cfg) && !settings.keeps_all_lists;
}

}  // namespace

std::vector<ListId> cfg_lists(const GuiderSettings& settings) {
  if (takes_positive_alone(settings)) return {ListId::kPositive};
  return {ListId::kPositive, ListId::kNegative};
}

GuidedPrediction cfg_combine(const Predictions& predictions, const GuiderSettings& settings) {
  // What the formula comes to, bit by bit.
  if (takes_positive_alone(settings) && settings.guider.rescale == 0.0)
    return {predictions.positive, predictions.negative};
  return {guide(predictions, predictions.positive, predictions.negative, settings.cfg, settings),
          predictions.negative};
}

}  // namespace tandem::coordinator
