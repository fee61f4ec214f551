#include "models/layers/group_norm.hpp"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

namespace tandem::models {

at::Tensor group_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      const GroupNormOptions& options) {
  static const auto operation = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("tandem::group_norm", "")
                                    .typed<decltype(plain_group_norm)>();
  return operation.call(x, options.groups, weight, bias, options.eps, options.silu);
}

}  // namespace tandem::models

TORCH_LIBRARY_FRAGMENT(tandem, library) {
  library.def(
      "group_norm(Tensor x, int groups, Tensor weight, Tensor bias, float eps, bool silu) -> "
      "Tensor",
      torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd,
                      TORCH_FN(tandem::models::plain_group_norm)));
}
