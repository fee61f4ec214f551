#include "coordinator/sampling/guiders/guiders.hpp"

#include <array>

#include <ATen/ATen.h>

namespace tandem::coordinator {
namespace {

// In the order of job::GuiderKind.
constexpr std::array kGuiders = {
    GuiderRow{job::GuiderKind::kCfg, "cfg", cfg_lists, cfg_combine},
    GuiderRow{job::GuiderKind::kDualCfg, "dual_cfg", nullptr, nullptr},
    GuiderRow{job::GuiderKind::kBasic, "basic", basic_lists, basic_combine},
    GuiderRow{job::GuiderKind::kPerpNeg, "perp_neg", nullptr, nullptr},
};

}  // namespace

std::span<const GuiderRow> guiders() {
  return kGuiders;
}

const GuiderRow& find_guider(job::GuiderKind kind) {
  return kGuiders.at(static_cast<std::size_t>(kind));
}

GuidedDenoiser::GuidedDenoiser(const GuiderRow& row, const GuiderSettings& settings,
                               CondEvaluator& evaluator)
    : row_(row), settings_(settings), evaluator_(evaluator), lists_(row_.lists(settings_)) {}

at::Tensor GuidedDenoiser::operator()(const at::Tensor& x, float sigma) {
  return row_.combine(evaluator_.evaluate(lists_, x, sigma), settings_);
}

}  // namespace tandem::coordinator
