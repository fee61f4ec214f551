// Rows of a cond for a batch of another size.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace tandem::models {

// (rows, ...) -> (batch, ...): rows repeated cyclically, or cut.
at::Tensor repeat_to_batch(const at::Tensor& rows, std::int64_t batch);

}  // namespace tandem::models
