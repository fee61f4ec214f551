// The gate of a transformer's feed-forward as an operator of LibTorch's dispatcher, so that a back
// end can have a kernel of its own: tandem::geglu(projected).
#pragma once

#include <ATen/core/Tensor.h>

namespace tandem::models {

// (..., 2 * width) -> (..., width): the first half times GELU (with erf) of the second (Shazeer
// 2020). Calls the operator.
at::Tensor geglu(const at::Tensor& projected);

// What the operator does where a back end has nothing better.
at::Tensor plain_geglu(const at::Tensor& projected);

}  // namespace tandem::models
