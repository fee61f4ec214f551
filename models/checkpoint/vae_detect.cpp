#include "models/checkpoint/vae_detect.hpp"

#include <algorithm>
#include <iterator>

#include "models/checkpoint/key_scan.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr std::int64_t kNormGroups = 32;
constexpr std::int64_t kMaxLevels = 8;

// decoder.up.0 is the level of the full resolution, as encoder.down.0 is.
void read_levels(const SafetensorsHeader& header, const std::string& decoder, VaeConfig& config) {
  const std::int64_t levels = std::min(count_blocks(header, decoder + "up."), kMaxLevels + 1);
  config.ch_mult.clear();
  for (std::int64_t i = 0; i < levels; ++i) {
    const std::string level = decoder + "up." + std::to_string(i) + ".";
    const std::int64_t channels = size_of_tensor(header, level + "block.0.conv2.weight", 0);
    config.ch_mult.push_back(channels / config.ch);
    if (has_prefix(header, level + "attn.0.")) {
      config.attn_resolutions.push_back(config.resolution >> i);
    }
  }
}

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw Error(ErrorCode::kBadCheckpoint, "'" + file + "': the VAE's " + what + ".", {}, file);
}

}  // namespace

std::optional<VaeConfig> detect_vae(const SafetensorsHeader& header, const std::string& prefix) {
  const std::string decoder = prefix + "decoder.";
  VaeConfig config;
  config.z_channels = size_of_tensor(header, decoder + "conv_in.weight", 1);
  config.ch = size_of_tensor(header, decoder + "conv_out.weight", 1);
  config.out_ch = size_of_tensor(header, decoder + "conv_out.weight", 0);
  const bool two_dimensional = dims_of_tensor(header, decoder + "conv_in.weight") == 4;
  const bool this_layout = header.find(decoder + "mid.block_1.norm1.weight") != nullptr;
  if (!two_dimensional || !this_layout || config.ch <= 0) return std::nullopt;
  read_levels(header, decoder, config);
  config.num_res_blocks = count_blocks(header, decoder + "up.0.block.") - 1;
  config.embed_dim =
      std::max<std::int64_t>(size_of_tensor(header, prefix + "post_quant_conv.weight", 1), 0);
  if (header.find(prefix + "encoder.conv_in.weight") != nullptr) {
    config.in_channels = size_of_tensor(header, prefix + "encoder.conv_in.weight", 1);
    config.double_z =
        size_of_tensor(header, prefix + "encoder.conv_out.weight", 0) == 2 * config.z_channels;
  }
  return config;
}

void check_vae(const VaeConfig& detected, const std::optional<VaeConfig>& named,
               const std::string& file) {
  if (detected.ch_mult.empty() || std::ssize(detected.ch_mult) > kMaxLevels) {
    refuse(file, "decoder should have 1 to " + std::to_string(kMaxLevels) + " levels");
  }
  if (detected.num_res_blocks < 1 || detected.z_channels < 1) refuse(file, "decoder is empty");
  for (const std::int64_t mult : detected.ch_mult) {
    if (mult <= 0 || mult * detected.ch % kNormGroups != 0) {
      refuse(file, "levels should have a multiple of 32 channels, one has " +
                       std::to_string(mult * detected.ch));
    }
  }
  if (!named) return;
  VaeConfig expected = *named;
  expected.resolution = detected.resolution;
  expected.attn_resolutions = detected.attn_resolutions;
  if (!(expected == detected)) {
    refuse(file, "sizes in model_config are not those of its tensors");
  }
}

}  // namespace tandem::models
