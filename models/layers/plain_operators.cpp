// What Tandem's operators do by LibTorch's own kernels. A file of its own, since back ends that are
// loaded as modules are built with it too: they see no symbol of the program that loads them.
#include <ATen/ATen.h>

#include "models/layers/geglu.hpp"
#include "models/layers/group_norm.hpp"

namespace tandem::models {

at::Tensor plain_group_norm(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight,
                            const at::Tensor& bias, double eps, bool silu) {
  at::Tensor normed = at::group_norm(x, groups, weight, bias, eps);
  return silu ? at::silu(normed) : normed;
}

at::Tensor plain_geglu(const at::Tensor& projected) {
  const std::vector<at::Tensor> halves = projected.chunk(2, -1);
  return halves[0] * at::gelu(halves[1]);
}

}  // namespace tandem::models
