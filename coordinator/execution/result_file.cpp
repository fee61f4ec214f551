#include "coordinator/execution/result_file.hpp"

#include <ATen/ATen.h>

#include "models/tensor/tensor_view.hpp"

namespace tandem::coordinator {

std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

ResultFile make_result_file(const std::vector<NamedTensor>& tensors) {
  std::vector<at::Tensor> held;
  std::vector<NamedBytes> named;
  for (const auto& [name, tensor] : tensors) {
    held.push_back(tensor.contiguous());
    named.push_back({name, models::layout_of(held.back()), bytes_of(held.back())});
  }
  return make_tensor_memory("tandem-result", named);
}

}  // namespace tandem::coordinator
