#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/schedulers/schedulers.hpp"

namespace tandem::coordinator {

// k-diffusion's get_sigmas_exponential.
Sigmas exponential_schedule(const models::Prediction& prediction, int steps) {
  const double high = std::log(static_cast<double>(prediction.sigma_max()));
  const double low = std::log(static_cast<double>(prediction.sigma_min()));
  Sigmas sigmas = to_sigmas(at::linspace(high, low, steps, at::kFloat).exp(), "sampler.scheduler");
  sigmas.push_back(0.0F);
  return sigmas;
}

}  // namespace tandem::coordinator
