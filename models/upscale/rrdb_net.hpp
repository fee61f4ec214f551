// The network of the ESRGAN family: a picture to a larger one.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/layers/conv.hpp"
#include "models/upscale/rrdb_config.hpp"

namespace tandem::models {

// Five convolutions, each of which sees what all before it made.
class ResidualDenseBlock {
 public:
  ResidualDenseBlock(const Weights& weights, const RrdbConfig& config, std::int64_t block, int rdb);

  // (n, filters, h, w), the same
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  std::vector<Conv2d> convs_;
};

// Computes in the weights' type on their device, one picture at a time, so that neither memory nor
// bits depend on the batch; inputs may lie on any device. Const, and may run on several threads.
class RrdbNet {
 public:
  // The tensors of rrdb_layers(config). Throws kMissingTensor, kBadShape.
  RrdbNet(const Weights& weights, const RrdbConfig& config);

  // image (b, h, w, 3) real, 0 to 1 -> (b, scale h, scale w, 3) float32, 0 to 1, on the model's
  // device. Throws kBadShape.
  at::Tensor upscale(const at::Tensor& image) const;

  std::int64_t scale() const { return config_.scale(); }

 private:
  // (1, 3, h, w) -> (1, 3, scale h, scale w)
  at::Tensor upscale_one(const at::Tensor& pixels) const;
  at::Tensor forward(const at::Tensor& x) const;

  RrdbConfig config_;
  LoadOptions options_;
  Conv2d conv_first_;
  std::vector<std::vector<ResidualDenseBlock>> body_;
  Conv2d conv_body_;
  std::vector<Conv2d> conv_ups_;
  Conv2d conv_hr_;
  Conv2d conv_last_;
};

}  // namespace tandem::models
