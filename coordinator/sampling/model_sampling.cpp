#include "coordinator/sampling/model_sampling.hpp"

#include <string>

#include "coordinator/sampling/beta_schedules.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

void refuse(bool is_set, const char* key, const SigmaParameters& parameters) {
  if (!is_set) return;
  throw Error(ErrorCode::kBadRequest,
              "The parameterization '" + std::string(name(parameters.parameterization)) +
                  "' has no " + key + ".",
              "Leave the key out, or choose another sampling.parameterization.",
              std::string("sampling.") + key);
}

}  // namespace

SigmaParameters apply_sampling(SigmaParameters model, const job::Sampling& sampling,
                               const std::optional<job::Motion>& motion) {
  model.parameterization = sampling.parameterization.value_or(model.parameterization);
  if (motion) model = apply_beta_schedule(model, *motion);
  if (model.parameterization == Parameterization::kFlow) {
    refuse(sampling.zsnr, "zsnr", model);
    model.shift = sampling.shift.value_or(model.shift);
    model.multiplier = sampling.multiplier.value_or(model.multiplier);
    return model;
  }
  refuse(sampling.kind.has_value(), "kind", model);
  refuse(sampling.shift.has_value(), "shift", model);
  refuse(sampling.multiplier.has_value(), "multiplier", model);
  model.zsnr = model.zsnr || sampling.zsnr;
  return model;
}

}  // namespace tandem::coordinator
