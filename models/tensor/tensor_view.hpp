// Between at::Tensor and the protocol's (layout, bytes), without copies.
#pragma once

#include <memory>

#include <ATen/core/Tensor.h>

#include "protocol/tensor_layout.hpp"

namespace tandem::models {

// The one pair of switches between the two enumerations of element types. dtype_of throws
// kUnsupported for a type that does not travel (complex, quantised ...).
at::ScalarType scalar_type_of(DType dtype);
DType dtype_of(at::ScalarType type);

// Element type and sizes of a tensor, as if it were contiguous.
TensorLayout layout_of(const at::Tensor& tensor);

// A CPU tensor over bytes that it does not own; `owner` is held until the last view of it is gone.
// `data` has byte_size(layout) bytes, aligned to the element's size. A view over read-only memory
// must never be written to.
at::Tensor tensor_view(const TensorLayout& layout, const void* data,
                       std::shared_ptr<const void> owner);

// The same over memory of a device, without an owner.
at::Tensor tensor_view(const TensorLayout& layout, void* data, at::Device place);

}  // namespace tandem::models
