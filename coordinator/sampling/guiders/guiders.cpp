#include "coordinator/sampling/guiders/guiders.hpp"

#include <array>
#include <string>

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

// In the order of job::GuiderKind.
constexpr std::array kGuiders = {
    GuiderRow{job::GuiderKind::kCfg, "cfg", cfg_lists, cfg_combine},
    GuiderRow{job::GuiderKind::kDualCfg, "dual_cfg", dual_cfg_lists, dual_cfg_combine, true},
    GuiderRow{job::GuiderKind::kBasic, "basic", basic_lists, basic_combine, false, false},
    GuiderRow{job::GuiderKind::kPerpNeg, "perp_neg", perp_neg_lists, perp_neg_combine, true, false},
};

void refuse(bool is_wrong, const char* path, const std::string& words) {
  if (is_wrong) throw Error(ErrorCode::kBadRequest, std::string(path) + ": " + words, "", path);
}

at::Tensor& prediction_of(Predictions& predictions, ListId list) {
  switch (list) {
    case ListId::kPositive:
      return predictions.positive;
    case ListId::kNegative:
      return predictions.negative;
    case ListId::kMiddle:
      break;
  }
  return predictions.middle;
}

}  // namespace

std::span<const GuiderRow> guiders() {
  return kGuiders;
}

const GuiderRow& find_guider(job::GuiderKind kind) {
  return kGuiders.at(static_cast<std::size_t>(kind));
}

void validate_guider(const job::Job& job) {
  const GuiderRow& row = find_guider(job.guider.kind);
  const std::string guider = "the guider '" + std::string(row.name) + "' ";
  refuse(row.reads_middle && job.middle.empty(), "middle",
         guider + "needs at least one cond here.");
  refuse(!row.reads_middle && !job.middle.empty(), "middle", guider + "reads no middle list.");
  refuse(!row.can_rescale && job.guider.rescale != 0.0, "guider.rescale",
         guider + "does not rescale.");
}

GuidedDenoiser::GuidedDenoiser(const GuiderRow& row, const GuiderSettings& settings,
                               CondEvaluator& evaluator)
    : row_(row), settings_(settings), evaluator_(evaluator), lists_(row_.lists(settings_)) {}

GuidedPrediction GuidedDenoiser::predict(const at::Tensor& x, float sigma) {
  if (!zeros_.defined() || zeros_.sizes() != x.sizes()) zeros_ = at::zeros_like(x);
  Predictions predictions = {x, sigma, zeros_, zeros_, zeros_};
  const std::vector<at::Tensor> evaluated = evaluator_.evaluate(lists_, x, sigma);
  for (std::size_t i = 0; i < lists_.size(); ++i)
    prediction_of(predictions, lists_[i]) = evaluated[i];
  return row_.combine(predictions, settings_);
}

}  // namespace tandem::coordinator
