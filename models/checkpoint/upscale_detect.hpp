// Finds an upscale model and its sizes in a header.
#pragma once

#include <optional>

#include "models/checkpoint/detect.hpp"
#include "models/checkpoint/model_source.hpp"
#include "models/upscale/rrdb_config.hpp"
#include "protocol/safetensors.hpp"

namespace tandem::models {

// All sizes, from names and shapes. nullopt where the file is of no RRDBNet. They are not checked.
std::optional<RrdbConfig> detect_rrdb(const SafetensorsHeader& header);

// The upscale model of a file. Throws kUnknownFamily, by name where it is known, for another
// architecture; kBadCheckpoint, naming the tensor, for sizes that make no network for pictures of
// three colours.
void inspect_upscale(const ModelSource& source, Inspection& found);

}  // namespace tandem::models
