// What a tensor's bytes mean, without the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "protocol/dtype.hpp"

namespace tandem {

// A contiguous (row-major) tensor: element type and sizes of its dimensions.
struct TensorLayout {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;

  bool operator==(const TensorLayout&) const = default;
};

inline constexpr std::size_t kMaxTensorDims = 8;

// Number of elements and of bytes. Throws kBadShape for a negative size, more than kMaxTensorDims
// dimensions, or a product that does not fit in 63 bits.
std::size_t element_count(const TensorLayout& layout);
std::size_t byte_size(const TensorLayout& layout);

}  // namespace tandem
