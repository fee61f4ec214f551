// Models that are recognised so that they can be refused by name.
#pragma once

#include <optional>
#include <string>

#include "models/families/unet/config.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {

// What a file without a UNet of this layout is, for instance "a Flux.1 [dev] checkpoint
// ('flux1-dev')"; nullopt where nothing in it is known.
std::optional<std::string> name_unsupported_file(const SafetensorsHeader& header);

// The same for a file that has such a UNet, of sizes that no family matches.
std::optional<std::string> name_unsupported_unet(const SafetensorsHeader& header,
                                                 const std::string& prefix, const UNetConfig& unet);

}  // namespace tandem::models
