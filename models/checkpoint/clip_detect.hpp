// Finds a CLIP text transformer and its sizes in a header.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "models/families/family.hpp"
#include "models/text/clip_config.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {

// Sizes and key layout of the encoder at a place, as far as shapes tell: heads are the hidden size
// divided by 64, as in every published one, and the activation is the default. nullopt where there
// is none.
std::optional<ClipConfig> detect_clip(const SafetensorsHeader& header, const EncoderPlace& place);

// Which section a separate encoder of so many layers is: "g" above 30, "h" above 22, "l" otherwise
// (ComfyUI tells them by the same layers).
std::string_view section_of(const ClipConfig& config);

// Takes from `known` what shapes do not tell. Throws kBadCheckpoint, naming `file`, where the two
// disagree in what they do tell, or the heads do not divide the width.
ClipConfig complete_clip(const ClipConfig& detected, const ClipConfig& known,
                         const std::string& file);

}  // namespace tandem::models
