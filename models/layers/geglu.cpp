#include "models/layers/geglu.hpp"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

namespace tandem::models {

at::Tensor geglu(const at::Tensor& projected) {
  static const auto operation = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("tandem::geglu", "")
                                    .typed<decltype(plain_geglu)>();
  return operation.call(projected);
}

}  // namespace tandem::models

TORCH_LIBRARY_FRAGMENT(tandem, library) {
  library.def("geglu(Tensor projected) -> Tensor",
              torch::dispatch(c10::DispatchKey::CompositeExplicitAutograd,
                              TORCH_FN(tandem::models::plain_geglu)));
}
