// Stable Diffusion 1.x: UNet, CLIP-L, latents of 4 channels.
#pragma once

#include "models/families/family.hpp"

namespace tandem::models {

const Family& sd15();

}  // namespace tandem::models
