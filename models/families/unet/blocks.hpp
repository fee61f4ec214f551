// The building blocks of the UNet of SD1, SD2 and SDXL (latent diffusion's openaimodel).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/layers/attention.hpp"
#include "models/layers/conv.hpp"
#include "models/layers/feed_forward.hpp"
#include "models/layers/linear.hpp"
#include "models/layers/norm.hpp"

namespace tandem::models {

struct ResBlockSizes {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t embedding = 0;
};

// Two convolutions around the timestep's embedding, beside a skip (He et al. 2016).
class ResBlock {
 public:
  ResBlock(const Weights& weights, const std::string& prefix, const ResBlockSizes& sizes);

  // x (n, in, h, w), embedding (n, embedding) -> (n, out, h, w). norm_items: see GroupNorm.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& embedding,
                        std::int64_t norm_items = 1) const;

 private:
  GroupNorm in_norm_;
  Conv2d in_conv_;
  Linear embedding_;
  GroupNorm out_norm_;
  Conv2d out_conv_;
  std::optional<Conv2d> skip_;  // where in and out differ
};

struct TransformerSizes {
  std::int64_t channels = 0;
  std::int64_t heads = 0;
  std::int64_t depth = 0;
  std::int64_t context = 0;
  bool linear_projections = false;
  bool attention_in_fp32 = false;
};

// Self-attention, cross-attention, feed-forward, each beside a skip.
class TransformerBlock {
 public:
  TransformerBlock(const Weights& weights, const std::string& prefix,
                   const TransformerSizes& sizes);

  // x (n, tokens, channels), context (n, text tokens, context) -> x's shape
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& context) const;

 private:
  LayerNorm norm1_;
  CrossAttention self_attention_;
  LayerNorm norm2_;
  CrossAttention cross_attention_;
  LayerNorm norm3_;
  GegluFeedForward feed_forward_;
};

// Transformer blocks over an image's positions as tokens, beside a skip (Rombach et al. 2022).
class SpatialTransformer {
 public:
  SpatialTransformer(const Weights& weights, const std::string& prefix,
                     const TransformerSizes& sizes);

  // x (n, channels, h, w), context (n, text tokens, context) -> x's shape. norm_items: see
  // GroupNorm.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& context,
                        std::int64_t norm_items = 1) const;

 private:
  using Projection = std::variant<Linear, Conv2d>;

  static Projection make_projection(const Weights& weights, const std::string& prefix,
                                    const TransformerSizes& sizes);

  GroupNorm norm_;
  Projection proj_in_;
  std::vector<TransformerBlock> blocks_;
  Projection proj_out_;
};

}  // namespace tandem::models
