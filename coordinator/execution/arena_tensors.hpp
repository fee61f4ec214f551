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
// Throws kInternal where the handle points elsewhere.
at::Tensor read_result(const TensorHandle& handle, const ArenaBlock* block);
// The same with a float32 layout that is expected.
at::Tensor read_result(const TensorHandle& handle, const ArenaBlock* block,
                       const std::vector<std::int64_t>& expected_shape);
// Without the copy where it lies in shared memory: the tensor holds the block, and is only to be
// read.
at::Tensor view_result(const TensorHandle& handle, const std::shared_ptr<ArenaBlock>& block,
                       const std::vector<std::int64_t>& expected_shape);

}  // namespace tandem::coordinator
