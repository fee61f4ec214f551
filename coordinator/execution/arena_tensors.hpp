// at::Tensor into the memory that workers read, and their results back.
#pragma once

#include <memory>

#include <ATen/core/Tensor.h>

#include "coordinator/dispatch/tensor_arena.hpp"
#include "protocol/tensor_handle.hpp"

namespace tandem::coordinator {

struct SharedTensor {
  TensorHandle handle;
  std::shared_ptr<ArenaBlock> block;  // null where the bytes are in the handle
};

// A copy of the tensor where workers can read it. Throws kResourceExhausted.
SharedTensor share(TensorArena& arena, const at::Tensor& tensor);

// A copy of a result. `block` is the room that the worker was given, null where there was none.
// Throws kInternal where the handle points elsewhere or the layout is not `expected` (if given).
at::Tensor read_result(const TensorHandle& handle, const ArenaBlock* block);
at::Tensor read_result(const TensorHandle& handle, const ArenaBlock* block,
                       const std::vector<std::int64_t>& expected_shape);

}  // namespace tandem::coordinator
