#include "models/tensor/tensor_view.hpp"

#include <array>
#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

// In the order of DType.
constexpr std::array<at::ScalarType, 12> kScalarTypes = {
    at::kFloat, at::kHalf, at::kBFloat16, at::kDouble, at::kLong,          at::kInt,
    at::kShort, at::kChar, at::kByte,     at::kBool,   at::kFloat8_e4m3fn, at::kFloat8_e5m2};

}  // namespace

at::ScalarType scalar_type_of(DType dtype) {
  return kScalarTypes.at(static_cast<std::size_t>(dtype));
}

DType dtype_of(at::ScalarType type) {
  for (std::size_t i = 0; i < kScalarTypes.size(); ++i) {
    if (kScalarTypes[i] == type) return static_cast<DType>(i);
  }
  throw Error(ErrorCode::kUnsupported,
              "Tensors of type " + std::string(c10::toString(type)) + " do not travel.");
}

TensorLayout layout_of(const at::Tensor& tensor) {
  return {dtype_of(tensor.scalar_type()), tensor.sizes().vec()};
}

at::Tensor tensor_view(const TensorLayout& layout, const void* data,
                       std::shared_ptr<const void> owner) {
  return at::from_blob(
      const_cast<void*>(data), layout.shape, [kept = std::move(owner)](void*) {},
      at::TensorOptions(scalar_type_of(layout.dtype)));
}

at::Tensor tensor_view(const TensorLayout& layout, void* data, at::Device place) {
  return at::from_blob(
      data, layout.shape, [](void*) {},
      at::TensorOptions(scalar_type_of(layout.dtype)).device(place), place);
}

}  // namespace tandem::models
