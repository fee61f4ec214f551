// Stable Diffusion XL base: UNet with size conditioning, CLIP-L and OpenCLIP-G.
#pragma once

#include "models/families/family.hpp"

namespace tandem::models {

const Family& sdxl();

}  // namespace tandem::models
