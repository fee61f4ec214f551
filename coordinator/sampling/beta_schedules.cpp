#include "coordinator/sampling/beta_schedules.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::string_view kAutoselect = "autoselect";
constexpr std::string_view kExisting = "use existing";
constexpr double kLinearStart = 0.00085;

struct BetaSchedule {
  std::string_view name;
  Betas betas;
  double linear_end;
};

constexpr std::array kSchedules = {
    BetaSchedule{"sqrt_linear (AnimateDiff)", Betas::kLinear, 0.012},
    BetaSchedule{"sqrt_linear", Betas::kLinear, 0.012},
    BetaSchedule{"linear (AnimateDiff-SDXL)", Betas::kScaledLinear, 0.020},
    BetaSchedule{"linear (HotshotXL/default)", Betas::kScaledLinear, 0.012},
    BetaSchedule{"linear", Betas::kScaledLinear, 0.012},
};

const BetaSchedule* find_schedule(std::string_view name) {
  const auto* found = std::ranges::find(kSchedules, name, &BetaSchedule::name);
  return found == kSchedules.end() ? nullptr : found;
}

// nullptr: the model's own.
const BetaSchedule* schedule_of(const job::Motion& motion) {
  if (motion.beta_schedule == kExisting) return nullptr;
  if (motion.beta_schedule == kAutoselect) {
    return motion.file.empty() ? nullptr : find_schedule("sqrt_linear");
  }
  if (const BetaSchedule* found = find_schedule(motion.beta_schedule)) return found;
  std::string names = "autoselect, use existing";
  for (const BetaSchedule& row : kSchedules)
    names += ", " + std::string(row.name);
  throw Error(
      ErrorCode::kUnsupported,
      "motion.beta_schedule: this version does not sample with '" + motion.beta_schedule + "'.",
      "It knows " + names + ".", "motion.beta_schedule");
}

}  // namespace

SigmaParameters apply_beta_schedule(SigmaParameters model, const job::Motion& motion) {
  const BetaSchedule* schedule = schedule_of(motion);
  if (schedule == nullptr) return model;
  if (model.parameterization == Parameterization::kFlow) {
    throw Error(ErrorCode::kBadRequest, "motion.beta_schedule: a flow has no betas.",
                "Choose 'use existing'.", "motion.beta_schedule");
  }
  model.betas = schedule->betas;
  model.linear_start = kLinearStart;
  model.linear_end = schedule->linear_end;
  return model;
}

}  // namespace tandem::coordinator
