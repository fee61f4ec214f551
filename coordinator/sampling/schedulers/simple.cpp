#include <ATen/ATen.h>

#include "coordinator/sampling/schedulers/schedulers.hpp"

namespace tandem::coordinator {

// ComfyUI's simple_scheduler.
Sigmas simple_schedule(const models::Prediction& prediction, int steps) {
  const auto table = prediction.sigmas().accessor<float, 1>();
  const std::int64_t length = table.size(0);
  const double stride = static_cast<double>(length) / steps;
  Sigmas sigmas;
  for (int i = 0; i < steps; ++i) {
    sigmas.push_back(table[length - 1 - static_cast<std::int64_t>(i * stride)]);
  }
  sigmas.push_back(0.0F);
  return sigmas;
}

}  // namespace tandem::coordinator
