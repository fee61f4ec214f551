#include "models/families/unet/config.hpp"

#include <numeric>

#include "models/checkpoint/key_scan.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr std::int64_t kNormGroups = 32;

std::int64_t transformer_depth_at(const SafetensorsHeader& header, const std::string& block) {
  return count_blocks(header, block + "1.transformer_blocks.");
}

// Walks down the input blocks; a block with a strided convolution ends its level.
void read_levels(const SafetensorsHeader& header, const std::string& prefix, UNetConfig& config) {
  config.channel_mult = {0};
  config.num_res_blocks = {0};
  config.transformer_depth.clear();
  config.transformer_depth_output.clear();
  const std::int64_t blocks = count_blocks(header, prefix + "input_blocks.");
  for (std::int64_t i = 0; i < blocks; ++i) {
    const std::string block = prefix + "input_blocks." + std::to_string(i) + ".";
    const std::string mirror = prefix + "output_blocks." + std::to_string(blocks - 1 - i) + ".";
    config.transformer_depth_output.push_back(transformer_depth_at(header, mirror));
    if (header.find(block + "0.op.weight") != nullptr) {
      config.channel_mult.push_back(0);
      config.num_res_blocks.push_back(0);
    } else if (header.find(block + "0.in_layers.0.weight") != nullptr) {
      const std::int64_t out = size_of_tensor(header, block + "0.out_layers.3.weight", 0);
      config.channel_mult.back() = out / config.model_channels;
      ++config.num_res_blocks.back();
      config.transformer_depth.push_back(transformer_depth_at(header, block));
    }
  }
}

std::int64_t middle_depth(const SafetensorsHeader& header, const std::string& prefix) {
  if (header.find(prefix + "middle_block.1.proj_in.weight") != nullptr) {
    return transformer_depth_at(header, prefix + "middle_block.");
  }
  return header.find(prefix + "middle_block.0.in_layers.0.weight") != nullptr ? -1 : -2;
}

// Where the first spatial transformer is; empty where there is none.
std::string first_transformer(const SafetensorsHeader& header, const std::string& prefix) {
  const std::int64_t blocks = count_blocks(header, prefix + "input_blocks.");
  for (std::int64_t i = 0; i < blocks; ++i) {
    std::string block = prefix + "input_blocks." + std::to_string(i) + ".1.";
    if (has_prefix(header, block + "transformer_blocks.")) return block;
  }
  const std::string middle = prefix + "middle_block.1.";
  return has_prefix(header, middle + "transformer_blocks.") ? middle : "";
}

[[noreturn]] void refuse(const std::string& file, const std::string& what) {
  throw Error(ErrorCode::kBadCheckpoint, "'" + file + "': the UNet's " + what + ".", {}, file);
}

void check_lengths(const UNetConfig& config, const std::string& file) {
  const auto levels = static_cast<std::int64_t>(config.channel_mult.size());
  const auto& blocks = config.num_res_blocks;
  if (levels == 0 || std::ssize(blocks) != levels) {
    refuse(file, "channel_mult and num_res_blocks have different lengths");
  }
  const std::int64_t down = std::accumulate(blocks.begin(), blocks.end(), std::int64_t{0});
  if (std::ssize(config.transformer_depth) != down) {
    refuse(file, "transformer_depth should have " + std::to_string(down) + " numbers, it has " +
                     std::to_string(config.transformer_depth.size()));
  }
  if (std::ssize(config.transformer_depth_output) != down + levels) {
    refuse(file, "transformer_depth_output should have " + std::to_string(down + levels) +
                     " numbers, it has " + std::to_string(config.transformer_depth_output.size()));
  }
}

}  // namespace

std::int64_t heads_of(const UNetConfig& config, std::int64_t channels) {
  return config.num_head_channels > 0 ? channels / config.num_head_channels : config.num_heads;
}

std::optional<UNetConfig> detect_unet(const SafetensorsHeader& header, const std::string& prefix) {
  const std::string first = prefix + "input_blocks.0.0.weight";
  if (dims_of_tensor(header, first) != 4) return std::nullopt;
  UNetConfig config;
  config.model_channels = size_of_tensor(header, first, 0);
  config.in_channels = size_of_tensor(header, first, 1);
  if (config.model_channels <= 0) return std::nullopt;
  config.out_channels =
      std::max<std::int64_t>(size_of_tensor(header, prefix + "out.2.weight", 0), 0);
  config.adm_in_channels =
      std::max<std::int64_t>(size_of_tensor(header, prefix + "label_emb.0.0.weight", 1), 0);
  read_levels(header, prefix, config);
  config.transformer_depth_middle = middle_depth(header, prefix);
  const std::string transformer = first_transformer(header, prefix);
  const std::string to_k = transformer + "transformer_blocks.0.attn2.to_k.weight";
  config.context_dim = transformer.empty() ? 0 : size_of_tensor(header, to_k, 1);
  config.use_linear_in_transformer =
      !transformer.empty() && dims_of_tensor(header, transformer + "proj_in.weight") == 2;
  return config;
}

void check_unet(const UNetConfig& config, const std::string& file) {
  check_lengths(config, file);
  for (const std::int64_t mult : config.channel_mult) {
    const std::int64_t channels = mult * config.model_channels;
    if (channels <= 0 || channels % kNormGroups != 0) {
      refuse(file,
             "levels should have a multiple of 32 channels, one has " + std::to_string(channels));
    }
    const std::int64_t heads = heads_of(config, channels);
    if (heads <= 0 || channels % heads != 0) {
      refuse(file, "heads (num_heads " + std::to_string(config.num_heads) + ", num_head_channels " +
                       std::to_string(config.num_head_channels) + ") do not divide " +
                       std::to_string(channels) + " channels");
    }
  }
  if (config.transformer_depth_middle < 0) refuse(file, "middle block has no attention");
  if (config.context_dim <= 0) refuse(file, "attention has no context width");
}

}  // namespace tandem::models
