#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/schedulers/schedulers.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {

Sigmas kl_optimal_schedule(const models::Prediction& prediction, int steps) {
  if (steps < 2) {
    throw Error(ErrorCode::kOutOfRange,
                "The scheduler 'kl_optimal' divides by the number of steps less one; it needs at "
                "least 2 steps, not 1.",
                "", "sampler.steps");
  }
  const double low = std::atan(static_cast<double>(prediction.sigma_min()));
  const double high = std::atan(static_cast<double>(prediction.sigma_max()));
  const at::Tensor share = at::arange(steps, at::kFloat) / (steps - 1);
  Sigmas sigmas = to_sigmas((share * low + (1 - share) * high).tan(), "sampler.scheduler");
  sigmas.push_back(0.0F);
  return sigmas;
}

}  // namespace tandem::coordinator
