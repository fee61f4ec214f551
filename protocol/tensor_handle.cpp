#include "protocol/tensor_handle.hpp"

namespace tandem {

const TensorLayout& layout_of(const TensorHandle& handle) {
  return std::visit([](const auto& tensor) -> const TensorLayout& { return tensor.layout; },
                    handle);
}

}  // namespace tandem
