// The two networks of an AutoencoderKL. Tensors are (n, channels, height, width) in the weights'
// type. Constructors throw kMissingTensor and kBadShape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/vae/blocks.hpp"
#include "models/vae/vae_config.hpp"

namespace tandem::models {

// The blocks of one resolution, each followed by its attention where the resolution has it.
class VaeLevel {
 public:
  VaeLevel(const Weights& weights, const std::string& prefix, std::int64_t in, std::int64_t out,
           std::int64_t blocks, bool has_attention);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  std::vector<VaeResnetBlock> blocks_;
  std::vector<VaeAttention> attentions_;  // none, or one for each block
};

// Tensors conv_in, down.N, mid, norm_out, conv_out below `weights`.
class VaeEncoder {
 public:
  VaeEncoder(const Weights& weights, const VaeConfig& config);

  // (n, in_channels, h, w), h and w multiples of 2^(levels - 1) -> (n, z_channels, or twice that
  // with double_z, h', w')
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Conv2d conv_in_;
  std::vector<VaeLevel> levels_;
  std::vector<VaeDownsample> downsamples_;  // after every level but the last
  VaeMiddle middle_;
  GroupNorm norm_out_;
  Conv2d conv_out_;
};

// Tensors conv_in, mid, up.N, norm_out, conv_out below `weights`.
class VaeDecoder {
 public:
  VaeDecoder(const Weights& weights, const VaeConfig& config);

  // (n, z_channels, h, w) -> (n, out_ch, 2^(levels - 1) h, 2^(levels - 1) w)
  at::Tensor operator()(const at::Tensor& z) const;

 private:
  Conv2d conv_in_;
  VaeMiddle middle_;
  std::vector<VaeLevel> levels_;        // from the lowest resolution on
  std::vector<VaeUpsample> upsamples_;  // after every level but the last
  GroupNorm norm_out_;
  Conv2d conv_out_;
};

}  // namespace tandem::models
