// A text encoder small enough to be made up in a test.
#pragma once

#include "models/checkpoint/weights.hpp"
#include "models/text/clip_config.hpp"

namespace tandem::models {

// Two blocks of width 8 over CLIP's vocabulary and positions.
ClipConfig tiny_clip_config(ClipLayout layout);

// Random weights, the same numbers for both layouts.
TensorMap tiny_clip_tensors(ClipLayout layout);

}  // namespace tandem::models
