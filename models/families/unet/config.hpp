// Sizes of the UNet that SD1, SD2 and SDXL share, in the names of latent diffusion's openaimodel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/safetensors.hpp"

namespace tandem::models {

// The defaults are those of SD1.
struct UNetConfig {
  std::int64_t in_channels = 4;
  std::int64_t out_channels = 4;
  std::int64_t model_channels = 320;
  std::vector<std::int64_t> channel_mult = {1, 2, 4, 4};
  std::vector<std::int64_t> num_res_blocks = {2, 2, 2, 2};  // of each level
  // Transformer blocks behind each residual block of the way down (0: no attention there) ...
  std::vector<std::int64_t> transformer_depth = {1, 1, 1, 1, 1, 1, 0, 0};
  // ... and of the way up, where the last number belongs to the first block.
  std::vector<std::int64_t> transformer_depth_output = {1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0};
  std::int64_t transformer_depth_middle = 1;  // -1: no attention; -2: no middle block
  std::int64_t context_dim = 768;
  std::int64_t adm_in_channels = 0;  // width of the vector condition; 0: none
  bool use_linear_in_transformer = false;
  // One of the two is -1. Shapes do not tell them.
  std::int64_t num_heads = 8;
  std::int64_t num_head_channels = -1;
  bool attention_in_fp32 = false;

  bool operator==(const UNetConfig&) const = default;
};

// Heads of an attention over so many channels.
std::int64_t heads_of(const UNetConfig& config, std::int64_t channels);

// The sizes that names and shapes below `prefix` tell; the fields about heads and precision keep
// their defaults. nullopt where there is no UNet of this layout.
std::optional<UNetConfig> detect_unet(const SafetensorsHeader& header, const std::string& prefix);

// Throws kBadCheckpoint, naming `file`, where the sizes cannot make a network: lists of lengths
// that do not fit together, channels that the groups of the norms or the heads do not divide.
void check_unet(const UNetConfig& config, const std::string& file);

}  // namespace tandem::models
