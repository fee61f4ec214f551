// Tensors as Tandem's kernels see them.
#pragma once

#include <ATen/core/Tensor.h>

#include "device_worker/cuda/kernels/half_type.hpp"

namespace tandem::worker {

inline bool is_half(at::ScalarType type) {
  return type == at::kHalf || type == at::kBFloat16;
}

inline HalfType half_type_of(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kHalf ? HalfType::kFloat16 : HalfType::kBfloat16;
}

}  // namespace tandem::worker
