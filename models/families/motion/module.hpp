// A motion module: attention along the frames, between two blocks of a UNet.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/families/motion/config.hpp"
#include "models/families/motion/inputs.hpp"
#include "models/layers/attention.hpp"
#include "models/layers/feed_forward.hpp"
#include "models/layers/linear.hpp"
#include "models/layers/norm.hpp"

namespace tandem::models {

struct MotionSizes {
  std::int64_t channels = 0;
  std::int64_t frames = 0;  // positions that are encoded
  std::int64_t attentions = 0;
};

// AnimateDiff's temporal transformer (Guo et al. 2023, section 4.2): each cell of the image is a
// sequence of its frames. Tensors PREFIX.norm, proj_in, transformer_blocks.0, proj_out.
class MotionModule {
 public:
  // Throws kMissingTensor, kBadShape.
  MotionModule(const Weights& weights, const std::string& prefix, const MotionSizes& sizes);

  // x (passes * inputs.frames, channels, h, w) -> x's shape. norm_items: see GroupNorm. Throws
  // kBadRequest for more frames than positions.
  at::Tensor operator()(const at::Tensor& x, const MotionInputs& inputs,
                        std::int64_t norm_items) const;

 private:
  struct Attention {
    LayerNorm norm;
    at::Tensor positions;  // (1, frames, channels)
    CrossAttention attend;
  };

  // tokens (cells, frames, channels) -> the same shape
  at::Tensor transform(at::Tensor tokens, double key_scale) const;
  at::Tensor run(const at::Tensor& x, const MotionInputs& inputs, std::int64_t norm_items) const;

  std::int64_t frames_;
  GroupNorm norm_;
  Linear proj_in_;
  std::vector<Attention> attentions_;
  LayerNorm feed_forward_norm_;
  GegluFeedForward feed_forward_;
  Linear proj_out_;
};

}  // namespace tandem::models
