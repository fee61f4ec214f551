// Sizes that a checkpoint brings along: JSON under "model_config" of the safetensors metadata, for
// models whose sizes are not a published model's.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "models/families/unet/config.hpp"
#include "models/text/clip_config.hpp"
#include "models/vae/vae_config.hpp"
#include "protocol/model_info.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {

// What is absent in the JSON is absent here. Keys that are not known stay unread: they are the
// business of the program that wrote them.
struct ModelConfig {
  std::string family;
  std::optional<UNetConfig> unet;
  std::map<std::string, ClipConfig> clip;  // by section
  std::optional<VaeConfig> vae;
  std::optional<Parameterization> parameterization;
  std::optional<double> latent_scale;
};

// nullopt where the header has no model_config. Throws kBadCheckpoint, naming `file` and the key,
// for what is no JSON, of the wrong type or out of range.
std::optional<ModelConfig> read_model_config(const SafetensorsHeader& header,
                                             const std::string& file);

}  // namespace tandem::models
