// Fully connected layer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"

namespace tandem::models {

// Sizes that a layer must have; -1 takes what the checkpoint has.
struct Features {
  std::int64_t in = -1;
  std::int64_t out = -1;
};

// x W^T + b. Tensors PREFIX.weight (out, in) and, where it is there, PREFIX.bias (out).
// Throws kMissingTensor, kBadShape.
class Linear {
 public:
  Linear(const Weights& weights, const std::string& prefix, Features features = {});
  // From tensors that are already in the compute type, for fused projections that were split.
  Linear(at::Tensor weight, std::optional<at::Tensor> bias);

  // (..., in) -> (..., out)
  at::Tensor operator()(const at::Tensor& x) const;

  std::int64_t in_features() const { return weight_.size(1); }
  std::int64_t out_features() const { return weight_.size(0); }

 private:
  at::Tensor weight_;
  std::optional<at::Tensor> bias_;
};

}  // namespace tandem::models
