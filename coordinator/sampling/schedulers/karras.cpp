#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/schedulers/schedulers.hpp"

namespace tandem::coordinator {

// k-diffusion's get_sigmas_karras.
Sigmas karras_schedule(const models::Prediction& prediction, int steps) {
  constexpr double kRho = 7.0;
  const double low = std::pow(static_cast<double>(prediction.sigma_min()), 1.0 / kRho);
  const double high = std::pow(static_cast<double>(prediction.sigma_max()), 1.0 / kRho);
  const at::Tensor ramp = at::linspace(0, 1, steps, at::kFloat);
  Sigmas sigmas = to_sigmas((high + ramp * (low - high)).pow(kRho), "sampler.scheduler");
  sigmas.push_back(0.0F);
  return sigmas;
}

}  // namespace tandem::coordinator
