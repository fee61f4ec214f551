#include "coordinator/sampling/schedulers/schedulers.hpp"

namespace tandem::coordinator {
namespace {

// What is left of the noise after that many parts of it are gone.
float remaining(double gone, float sigma_max) {
  return static_cast<float>(1.0 - gone) * sigma_max;
}

}  // namespace

// Mochi's linear_quadratic_schedule: the first half of the steps take away 2.5 % of the noise, the
// second half the rest; value and slope agree where the halves meet.
Sigmas linear_quadratic_schedule(const models::Prediction& prediction, int steps) {
  constexpr double kThreshold = 0.025;
  const float sigma_max = prediction.sigma_max();
  if (steps == 1) return {sigma_max, 0.0F};

  const int linear = steps / 2;
  const double rest = steps - linear;
  const double difference = linear - kThreshold * steps;
  const double a = difference / (linear * rest * rest);
  const double b = kThreshold / linear - 2.0 * difference / (rest * rest);
  const double c = a * linear * linear;
  Sigmas sigmas;
  for (int i = 0; i < steps; ++i) {
    const double gone = i < linear ? i * kThreshold / linear : a * (i * i) + b * i + c;
    sigmas.push_back(remaining(gone, sigma_max));
  }
  sigmas.push_back(0.0F);
  return sigmas;
}

}  // namespace tandem::coordinator
