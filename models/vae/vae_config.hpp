// Sizes of an AutoencoderKL, in the names of latent diffusion's ddconfig.
#pragma once

#include <cstdint>
#include <vector>

namespace tandem::models {

// The defaults are those of SD1, SD2 and SDXL.
struct VaeConfig {
  std::int64_t ch = 128;
  std::vector<std::int64_t> ch_mult = {1, 2, 4, 4};  // channels of each level, in units of ch
  std::int64_t num_res_blocks = 2;
  std::int64_t z_channels = 4;
  std::int64_t embed_dim = 4;  // of quant_conv and post_quant_conv; 0 where the file has neither
  std::int64_t in_channels = 3;
  std::int64_t out_ch = 3;
  bool double_z = true;  // the encoder gives mean and log variance
  // Sides, counted from `resolution` at the first level, whose levels have attention after each
  // block.
  std::vector<std::int64_t> attn_resolutions;
  std::int64_t resolution = 256;

  bool operator==(const VaeConfig&) const = default;
};

}  // namespace tandem::models
