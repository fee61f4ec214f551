// Finds an AutoencoderKL and its sizes in a header.
#pragma once

#include <optional>
#include <string>

#include "models/vae/vae_config.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {

// All sizes, from the names and shapes of the decoder below `prefix`. nullopt where there is none.
std::optional<VaeConfig> detect_vae(const SafetensorsHeader& header, const std::string& prefix);

// Throws kBadCheckpoint, naming `file`, where the sizes cannot make a network (32 groups must
// divide every level's channels) or disagree with those that the file's model_config names.
void check_vae(const VaeConfig& detected, const std::optional<VaeConfig>& named,
               const std::string& file);

}  // namespace tandem::models
