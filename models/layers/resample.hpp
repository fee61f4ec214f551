// Half and double resolution, each with its convolution.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/layers/conv.hpp"

namespace tandem::models {

// Each pixel repeated: (n, c, h, w) -> (n, c, size[0], size[1]), nearest neighbour.
at::Tensor resize_nearest(const at::Tensor& x, std::array<std::int64_t, 2> size);

// A 3 x 3 convolution with stride 2 and padding 1. Tensors PREFIX.op.*.
class Downsample {
 public:
  Downsample(const Weights& weights, const std::string& prefix, std::int64_t channels);

  // (n, c, h, w) -> (n, c, ceil(h / 2), ceil(w / 2))
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Conv2d conv_;
};

// Nearest neighbour to the size asked for (that of the skip which comes next, so that odd sizes
// find back), then a 3 x 3 convolution. Tensors PREFIX.conv.*.
class Upsample {
 public:
  Upsample(const Weights& weights, const std::string& prefix, std::int64_t channels);

  // (n, c, h, w) -> (n, c, size[0], size[1])
  at::Tensor operator()(const at::Tensor& x, std::array<std::int64_t, 2> size) const;

 private:
  Conv2d conv_;
};

}  // namespace tandem::models
