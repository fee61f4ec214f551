#include <cmath>

#include <ATen/ATen.h>
#include <boost/math/special_functions/beta.hpp>

#include "coordinator/sampling/schedulers/schedulers.hpp"

namespace tandem::coordinator {

Sigmas beta_schedule(const models::Prediction& prediction, int steps) {
  constexpr double kAlpha = 0.6;
  const auto table = prediction.sigmas().accessor<float, 1>();
  const auto last = static_cast<double>(table.size(0) - 1);
  const double width = 1.0 / steps;
  Sigmas sigmas;
  std::int64_t previous = -1;
  for (int i = 0; i < steps; ++i) {
    // The quantile of the beta distribution; ties round to even, as NumPy's rint.
    const double quantile = boost::math::ibeta_inv(kAlpha, kAlpha, 1.0 - i * width);
    const auto timestep = static_cast<std::int64_t>(std::nearbyint(quantile * last));
    if (timestep != previous) sigmas.push_back(table[timestep]);
    previous = timestep;
  }
  sigmas.push_back(0.0F);
  return sigmas;
}

}  // namespace tandem::coordinator
