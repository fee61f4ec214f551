#include "models/checkpoint/weight_copies.hpp"

#include <ATen/ATen.h>

namespace tandem::models {

TensorMap with_copies(const TensorMap& tensors, const std::string& prefix, at::ScalarType type,
                      WeightCopies& copies) {
  TensorMap below;
  TensorMap stored;  // of another type
  for (auto it = tensors.lower_bound(prefix); it != tensors.end() && it->first.starts_with(prefix);
       ++it) {
    below.insert(*it);
    const at::Tensor& tensor = it->second;
    if (is_weight_type(tensor.scalar_type()) && tensor.scalar_type() != type && tensor.numel() > 0)
      stored.insert(*it);
  }
  if (stored.empty()) return below;
  for (auto& [name, copy] : copies.convert(stored, type))
    below.insert_or_assign(name, std::move(copy));
  return below;
}

}  // namespace tandem::models
