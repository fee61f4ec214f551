#include "plugin/loading/tensors.hpp"

#include "protocol/error.hpp"

namespace tandem {
namespace {

// The interface has its own list of types, in the order of the protocol's.
static_assert(static_cast<int>(plugin::DType::kF32) == static_cast<int>(DType::kF32));
static_assert(static_cast<int>(plugin::DType::kI64) == static_cast<int>(DType::kI64));
static_assert(static_cast<int>(plugin::DType::kBool) == static_cast<int>(DType::kBool));
static_assert(static_cast<int>(plugin::DType::kF8E5M2) == static_cast<int>(DType::kF8E5M2));

}  // namespace

plugin::Layout to_plugin(const TensorLayout& layout) {
  return {static_cast<plugin::DType>(layout.dtype), layout.shape};
}

TensorLayout from_plugin(const plugin::Layout& layout) {
  if (layout.dtype > plugin::DType::kF8E5M2)
    throw Error(ErrorCode::kBadShape, "A plug-in gave a tensor without an element type.");
  TensorLayout converted{static_cast<DType>(layout.dtype), layout.shape};
  byte_size(converted);
  return converted;
}

}  // namespace tandem
