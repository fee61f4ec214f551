// The UNet of SD1, SD2 and SDXL: noise (or velocity) from a noisy latent, a time and a text.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/families/motion/config.hpp"
#include "models/families/motion/inputs.hpp"
#include "models/families/motion/module.hpp"
#include "models/families/unet/blocks.hpp"
#include "models/families/unet/config.hpp"
#include "models/layers/conv.hpp"
#include "models/layers/embedding.hpp"
#include "models/layers/norm.hpp"
#include "models/layers/resample.hpp"

namespace tandem::models {

// Motion modules that stand between the UNet's blocks.
struct UNetMotion {
  Weights weights;  // below their prefix
  MotionConfig config;
};

// Latent diffusion's UNetModel (Rombach et al. 2022, after Dhariwal and Nichol 2021). const after
// construction.
class UNet {
 public:
  // Weights below the UNet's prefix. Throws kMissingTensor, kBadShape where the tensors are not
  // those of `config`. Motion modules must be of the UNet's levels (check_motion_fits).
  UNet(const Weights& weights, const UNetConfig& config,
       const std::optional<UNetMotion>& motion = std::nullopt);

  // x (n, in_channels, h, w) and context (n, tokens, context_dim) in the compute type, timesteps
  // (n) of any real type, y (n, adm_in_channels) in the compute type exactly where the config has a
  // vector condition -> (n, out_channels, h, w) in the compute type. Any h and w: the way up takes
  // the sizes of the way down. With motion modules motion.frames divides n, and every so many items
  // are the frames of one sequence; throws kBadRequest otherwise and for too many frames.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& timesteps, const at::Tensor& context,
                        const std::optional<at::Tensor>& y, const MotionInputs& motion = {}) const;

 private:
  using Layer =
      std::variant<Conv2d, ResBlock, SpatialTransformer, MotionModule, Downsample, Upsample>;
  using Block = std::vector<Layer>;
  struct Step;
  class Builder;

  at::Tensor embed(const at::Tensor& timesteps, const std::optional<at::Tensor>& y,
                   at::ScalarType type) const;
  // Items that a group norm sees as one.
  std::int64_t norm_items(const at::Tensor& x, const MotionInputs& motion) const;
  static at::Tensor run(const Block& block, at::Tensor h, const Step& step);

  std::int64_t model_channels_;
  EmbeddingMlp time_embed_;
  std::optional<EmbeddingMlp> label_embed_;
  std::vector<Block> input_blocks_;
  Block middle_block_;
  std::vector<Block> output_blocks_;
  GroupNorm out_norm_;
  Conv2d out_conv_;
  std::optional<MotionVersion> motion_;  // of its motion modules
};

}  // namespace tandem::models
