#include "models/tensor/repeat_to_batch.hpp"

#include <cstddef>
#include <vector>

#include <ATen/ATen.h>

namespace tandem::models {

at::Tensor repeat_to_batch(const at::Tensor& rows, std::int64_t batch) {
  if (rows.size(0) == batch) return rows;
  if (rows.size(0) > batch) return rows.narrow(0, 0, batch);
  std::vector<std::int64_t> repeats(static_cast<std::size_t>(rows.dim()), 1);
  repeats[0] = (batch + rows.size(0) - 1) / rows.size(0);
  return rows.repeat(repeats).narrow(0, 0, batch);
}

}  // namespace tandem::models
