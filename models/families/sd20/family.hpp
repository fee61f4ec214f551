// Stable Diffusion 2.x: UNet, OpenCLIP-H; predicts noise or velocity.
#pragma once

#include "models/families/family.hpp"

namespace tandem::models {

const Family& sd20();

}  // namespace tandem::models
