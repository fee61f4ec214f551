// The feed-forward part of a transformer block.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/layers/linear.hpp"

namespace tandem::models {

// GEGLU (Shazeer 2020): one projection to value and gate, value * gelu(gate), projection back.
// Tensors PREFIX.net.0.proj (2 * inner, width) and PREFIX.net.2 (width, inner).
// Throws kMissingTensor, kBadShape.
class GegluFeedForward {
 public:
  GegluFeedForward(const Weights& weights, const std::string& prefix, std::int64_t width);

  // (..., width) -> the same shape
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Linear in_;
  Linear out_;
};

}  // namespace tandem::models
