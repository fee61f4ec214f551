#include <ATen/ATen.h>

#include "coordinator/sampling/guiders/guidance.hpp"
#include "coordinator/sampling/guiders/guiders.hpp"

namespace tandem::coordinator {

// A scale of 1 cancels what lies below it, as with cfg; nested guidance always evaluates all.
std::vector<ListId> dual_cfg_lists(const GuiderSettings& settings) {
  const bool keeps = settings.guider.nested || settings.keeps_all_lists;
  const bool skips_negative = !keeps && is_one(settings.guider.cfg_middle);
  if (skips_negative && is_one(settings.cfg)) return {ListId::kPositive};
  if (skips_negative) return {ListId::kPositive, ListId::kMiddle};
  return {ListId::kPositive, ListId::kMiddle, ListId::kNegative};
}

GuidedPrediction dual_cfg_combine(const Predictions& p, const GuiderSettings& settings) {
  const double cfg_middle = settings.guider.cfg_middle;
  if (settings.guider.nested) {
    const at::Tensor inner = guide(p, p.positive, p.middle, settings.cfg, settings);
    return {p.negative + cfg_middle * (inner - p.negative), p.middle};
  }
  return {
      guide(p, p.middle, p.negative, cfg_middle, settings) + (p.positive - p.middle) * settings.cfg,
      p.negative};
}

}  // namespace tandem::coordinator
