// Normalisations with learned scale and shift.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"

namespace tandem::models {

// Over groups of channels and all positions (Wu and He 2018). Tensors PREFIX.weight and PREFIX.bias
// (channels). Throws kMissingTensor; kBadShape, also where groups do not divide the channels.
class GroupNorm {
 public:
  GroupNorm(const Weights& weights, const std::string& prefix, std::int64_t groups = 32,
            double eps = 1e-5, std::int64_t channels = -1);

  // (n, channels, ...) -> the same shape
  at::Tensor operator()(const at::Tensor& x) const;
  // Followed by SiLU.
  at::Tensor silu(const at::Tensor& x) const;
  // Every `items` items of the batch (which they divide) are normalised as one. x (n, channels, h,
  // w) -> the same shape.
  at::Tensor operator()(const at::Tensor& x, std::int64_t items) const;
  at::Tensor silu(const at::Tensor& x, std::int64_t items) const;

  std::int64_t channels() const { return weight_.size(0); }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  std::int64_t groups_;
  double eps_;
};

// Over the last dimension (Ba et al. 2016). Tensors PREFIX.weight and PREFIX.bias (width).
// Throws kMissingTensor, kBadShape.
class LayerNorm {
 public:
  LayerNorm(const Weights& weights, const std::string& prefix, double eps = 1e-5,
            std::int64_t width = -1);

  // (..., width) -> the same shape
  at::Tensor operator()(const at::Tensor& x) const;

  std::int64_t width() const { return weight_.size(0); }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  double eps_;
};

}  // namespace tandem::models
