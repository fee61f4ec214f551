// Names and shapes of AnimateDiff's motion modules, made for tests.
#pragma once

#include <string>
#include <vector>

#include "models/families/motion/config.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {

// Its tensors below `prefix`, fp16.
std::vector<NamedLayout> motion_layouts(const MotionConfig& config, const std::string& prefix = "");

// Of the published files: mm_sd_v15, mm_sd_v15_v2, v3_sd15_mm.
inline MotionConfig published_motion(MotionVersion version) {
  return {version, {320, 640, 1280, 1280}, version == MotionVersion::kV1 ? 24 : 32, 2};
}

}  // namespace tandem::models
