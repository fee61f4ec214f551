// The UNet's modules in the names of the diffusers library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/families/unet/config.hpp"

namespace tandem::models {

// "down_blocks.0.attentions.0.proj_in" for "input_blocks.1.1.proj_in": what follows the module is
// kept, but for the layers of residual blocks. More than one where diffusers has more than one
// name; none for what it does not name.
std::vector<std::string> diffusers_names(std::string_view stored, const UNetConfig& config);

}  // namespace tandem::models
