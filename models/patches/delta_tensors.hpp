// The tensors that a file has for one weight, as a format's function takes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/patches/delta_names.hpp"

namespace tandem::models {

// Refers to file and delta. Tensors come as float32 on the weight's device.
class DeltaTensors {
 public:
  DeltaTensors(const TensorMap& file, const NamedDelta& delta, at::Device device)
      : file_(file), delta_(delta), device_(device) {}

  // By its position among the row's endings, which a row may not have, or by its ending. Throws
  // kMissingTensor.
  at::Tensor get(std::size_t ending) const;
  std::optional<at::Tensor> try_get(std::size_t ending) const;
  std::optional<at::Tensor> try_get(std::string_view ending) const;

  // The file's scale; nothing where it has none.
  std::optional<double> alpha() const;
  // alpha / rank; 1 where the file has no alpha.
  double alpha_over(std::int64_t rank) const;

  // Throws kUnsupported where the file asks for another shape of the weight.
  void check_shape_kept(const at::Tensor& weight) const;

 private:
  const at::Tensor* find(std::string_view ending) const;

  const TensorMap& file_;
  const NamedDelta& delta_;
  at::Device device_;
};

}  // namespace tandem::models
