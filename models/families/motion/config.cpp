#include "models/families/motion/config.hpp"

#include "models/checkpoint/key_scan.hpp"

namespace tandem::models {
namespace {

// v1 was trained on 24 positions, v2 and v3 on 32.
constexpr std::int64_t kLaterFrames = 32;

MotionVersion version_of(const SafetensorsHeader& header, const std::string& prefix,
                         std::int64_t frames) {
  if (has_prefix(header, prefix + "mid_block.")) return MotionVersion::kV2;
  return frames == kLaterFrames ? MotionVersion::kV3 : MotionVersion::kV1;
}

}  // namespace

std::string motion_module_name(const std::string& list, std::int64_t block, std::int64_t module) {
  return list + "." + std::to_string(block) + ".motion_modules." + std::to_string(module) +
         ".temporal_transformer";
}

std::string middle_motion_module_name() {
  return "mid_block.motion_modules.0.temporal_transformer";
}

std::optional<MotionConfig> detect_motion(const SafetensorsHeader& header,
                                          const std::string& prefix) {
  const std::string first = prefix + motion_module_name("down_blocks", 0, 0);
  const std::string attentions = first + ".transformer_blocks.0.attention_blocks.";
  const std::string positions = attentions + "0.pos_encoder.pe";
  if (dims_of_tensor(header, positions) != 3) return std::nullopt;
  MotionConfig config;
  config.frames = size_of_tensor(header, positions, 1);
  config.attentions = count_blocks(header, attentions);
  config.version = version_of(header, prefix, config.frames);
  const std::int64_t levels = count_blocks(header, prefix + "down_blocks.");
  for (std::int64_t level = 0; level < levels; ++level) {
    const std::string norm = motion_module_name("down_blocks", level, 0) + ".norm.weight";
    config.channels.push_back(size_of_tensor(header, prefix + norm, 0));
  }
  return config;
}

}  // namespace tandem::models
