#include "coordinator/sampling/samplers/half_log_snr.hpp"

#include <cmath>

namespace tandem::coordinator {

float to_half_log_snr(const models::Prediction& prediction, float sigma) {
  return -std::log(prediction.is_flow() ? sigma / (1 - sigma) : sigma);
}

float half_log_snr_to_sigma(const models::Prediction& prediction, float lambda) {
  return prediction.is_flow() ? 1 / (1 + std::exp(lambda)) : std::exp(-lambda);
}

float alpha_at(const models::Prediction& prediction, float sigma) {
  return sigma * std::exp(to_half_log_snr(prediction, sigma));
}

Sigmas offset_first_sigma(Sigmas sigmas, const models::Prediction& prediction) {
  constexpr double kPercent = 1e-4;
  if (sigmas.size() > 1 && prediction.is_flow() && sigmas.front() >= 1.0F) {
    sigmas.front() = static_cast<float>(prediction.percent_to_sigma(kPercent));
  }
  return sigmas;
}

}  // namespace tandem::coordinator
