// Where a tensor's bytes are, as coordinator and workers tell each other.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "protocol/ids.hpp"
#include "protocol/tensor_layout.hpp"

namespace tandem {

// Small tensors travel in the message itself.
struct InlineTensor {
  TensorLayout layout;
  std::string bytes;

  bool operator==(const InlineTensor&) const = default;
};

// A place in a segment that was passed with AttachSegment before.
struct SharedMemoryTensor {
  TensorLayout layout;
  SegmentId segment;
  std::uint64_t offset = 0;

  bool operator==(const SharedMemoryTensor&) const = default;
};

using TensorHandle = std::variant<InlineTensor, SharedMemoryTensor>;

const TensorLayout& layout_of(const TensorHandle& handle);

// Up to this size a tensor is cheaper inside the message than in a slot of its own.
inline constexpr std::size_t kInlineTensorBytes = 4096;

}  // namespace tandem
