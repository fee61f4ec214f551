// Group normalisation as an operator of LibTorch's dispatcher, so that a back end can have a kernel
// of its own: tandem::group_norm(x, groups, weight, bias, eps, silu).
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace tandem::models {

struct GroupNormOptions {
  std::int64_t groups = 32;
  double eps = 1e-5;
  bool silu = false;  // followed by x * sigmoid(x)
};

// (n, channels, ...) -> the same shape; weight and bias: (channels), x's type (Wu and He 2018).
// Calls the operator.
at::Tensor group_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      const GroupNormOptions& options);

// What the operator does where a back end has nothing better: LibTorch's own kernels.
at::Tensor plain_group_norm(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight,
                            const at::Tensor& bias, double eps, bool silu);

}  // namespace tandem::models
