// What the encoder and the decoder of an AutoencoderKL are made of (Esser et al., "Taming
// Transformers for High-Resolution Image Synthesis", 2021; Rombach et al., "High-Resolution Image
// Synthesis with Latent Diffusion Models", 2022). Tensors are (n, channels, height, width) in the
// weights' type. Constructors throw kMissingTensor and kBadShape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/layers/conv.hpp"
#include "models/layers/norm.hpp"

namespace tandem::models {

// The normalisation of every part: 32 groups, epsilon 1e-6.
GroupNorm vae_norm(const Weights& weights, const std::string& prefix, std::int64_t channels);

// Two convolutions beside the identity, or beside a 1 x 1 convolution where the channels change.
class VaeResnetBlock {
 public:
  VaeResnetBlock(const Weights& weights, const std::string& prefix, std::int64_t in,
                 std::int64_t out);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  GroupNorm norm1_;
  Conv2d conv1_;
  GroupNorm norm2_;
  Conv2d conv2_;
  std::optional<Conv2d> shortcut_;
};

// Self-attention over all positions, one head as wide as the channels, beside the identity.
class VaeAttention {
 public:
  VaeAttention(const Weights& weights, const std::string& prefix, std::int64_t channels);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  GroupNorm norm_;
  Conv2d query_, key_, value_, out_;
};

// The lowest resolution: block, attention, block. Tensors PREFIX.block_1, attn_1, block_2.
class VaeMiddle {
 public:
  VaeMiddle(const Weights& weights, const std::string& prefix, std::int64_t channels);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  VaeResnetBlock block_1_;
  VaeAttention attn_1_;
  VaeResnetBlock block_2_;
};

// Half the resolution: a 3 x 3 convolution of stride 2, padded by a row below and a column on the
// right alone.
class VaeDownsample {
 public:
  VaeDownsample(const Weights& weights, const std::string& prefix, std::int64_t channels);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Conv2d conv_;
};

// Twice the resolution: nearest neighbour, then a 3 x 3 convolution.
class VaeUpsample {
 public:
  VaeUpsample(const Weights& weights, const std::string& prefix, std::int64_t channels);

  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Conv2d conv_;
};

}  // namespace tandem::models
