#include "protocol/tensor_layout.hpp"

#include <string>

#include "protocol/error.hpp"

namespace tandem {
namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 62;

}  // namespace

std::size_t element_count(const TensorLayout& layout) {
  if (layout.shape.size() > kMaxTensorDims) {
    throw Error(ErrorCode::kBadShape, "A tensor has " + std::to_string(layout.shape.size()) +
                                          " dimensions; at most " + std::to_string(kMaxTensorDims) +
                                          " are allowed.");
  }
  std::int64_t count = 1;
  for (const std::int64_t size : layout.shape) {
    if (size < 0) throw Error(ErrorCode::kBadShape, "A tensor has a dimension of negative size.");
    if (__builtin_mul_overflow(count, size, &count) || count > kMaxBytes) {
      throw Error(ErrorCode::kBadShape, "A tensor's sizes multiply to more than 2^62 elements.");
    }
  }
  return static_cast<std::size_t>(count);
}

std::size_t byte_size(const TensorLayout& layout) {
  const auto count = static_cast<std::int64_t>(element_count(layout));
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(count, static_cast<std::int64_t>(size_of(layout.dtype)), &bytes) ||
      bytes > kMaxBytes) {
    throw Error(ErrorCode::kBadShape, "A tensor has more than 2^62 bytes.");
  }
  return static_cast<std::size_t>(bytes);
}

}  // namespace tandem
