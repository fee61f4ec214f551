#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/schedulers/schedulers.hpp"

namespace tandem::coordinator {

// ComfyUI's ddim_scheduler.
Sigmas ddim_uniform_schedule(const models::Prediction& prediction, int steps) {
  constexpr float kAlmostZero = 1e-5F;
  const auto table = prediction.sigmas().accessor<float, 1>();
  const std::int64_t length = table.size(0);
  // A table that begins at 0 needs no 0 at the end, but one stride more.
  const bool has_zero = std::abs(table[1]) <= kAlmostZero;
  const std::int64_t stride = std::max<std::int64_t>(length / (has_zero ? steps + 1 : steps), 1);
  Sigmas sigmas;
  if (!has_zero) sigmas.push_back(0.0F);
  for (std::int64_t i = 1; i < length; i += stride)
    sigmas.push_back(table[i]);
  std::reverse(sigmas.begin(), sigmas.end());
  return sigmas;
}

}  // namespace tandem::coordinator
