// Two-dimensional convolution.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"

namespace tandem::models {

struct Conv2dOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  // Channels that the layer must have; -1 takes what the checkpoint has.
  std::int64_t in = -1;
  std::int64_t out = -1;
};

// Tensors PREFIX.weight (out, in, kernel, kernel) and, where it is there, PREFIX.bias (out).
// Throws kMissingTensor, kBadShape.
class Conv2d {
 public:
  Conv2d(const Weights& weights, const std::string& prefix, Conv2dOptions options = {});

  // (n, in, h, w) -> (n, out, h', w')
  at::Tensor operator()(const at::Tensor& x) const;

  std::int64_t in_channels() const { return weight_.size(1); }
  std::int64_t out_channels() const { return weight_.size(0); }

 private:
  at::Tensor weight_;
  std::optional<at::Tensor> bias_;
  std::int64_t stride_;
  std::int64_t padding_;
};

}  // namespace tandem::models
