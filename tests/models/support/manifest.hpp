// Names, element types and shapes of published models' tensors, kept as gzipped JSON.
#pragma once

#include <string>
#include <vector>

#include "protocol/safetensors.hpp"

namespace tandem::models {

// "sd15" -> the tensors of manifests/sd15.json.gz.
std::vector<NamedLayout> read_manifest(const std::string& name);

}  // namespace tandem::models
