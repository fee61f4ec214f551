// Sizes of AnimateDiff's motion modules (Guo et al. 2023) for the UNet of SD1, and their names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/safetensors.hpp"

namespace tandem::models {

// v1 (mm_sd_v14, mm_sd_v15): every group norm of the UNet sees all frames as one. v2
// (mm_sd_v15_v2): a module in the middle block. v3 (v3_sd15_mm): neither.
enum class MotionVersion : std::uint8_t { kV1, kV2, kV3 };

// Modules of a level on the way down and on the way up: one behind each residual block.
inline constexpr std::int64_t kMotionModulesDown = 2;
inline constexpr std::int64_t kMotionModulesUp = 3;
inline constexpr std::int64_t kMotionHeads = 8;

struct MotionConfig {
  MotionVersion version = MotionVersion::kV3;
  std::vector<std::int64_t> channels;  // of each level, from the highest resolution down
  std::int64_t frames = 32;            // positions that are encoded: the longest sequence
  std::int64_t attentions = 2;         // one after the other in a module

  bool has_middle() const { return version == MotionVersion::kV2; }
  bool operator==(const MotionConfig&) const = default;
};

// "down_blocks.0.motion_modules.1.temporal_transformer", with list "down_blocks" or "up_blocks",
// and "mid_block.motion_modules.0.temporal_transformer".
std::string motion_module_name(const std::string& list, std::int64_t block, std::int64_t module);
std::string middle_motion_module_name();

// What names and shapes below `prefix` tell; nullopt where there are no motion modules of this
// layout. Sizes are not checked.
std::optional<MotionConfig> detect_motion(const SafetensorsHeader& header,
                                          const std::string& prefix);

}  // namespace tandem::models
