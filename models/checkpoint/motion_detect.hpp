// Finds motion modules in a file, and whether they fit the model's UNet.
#pragma once

#include "models/checkpoint/detect.hpp"
#include "models/checkpoint/model_source.hpp"

namespace tandem::models {

// The motion modules of a file, for the diffusion model that was found before. Throws
// kUnknownFamily, by name where it is known, for a file without AnimateDiff's modules and for
// relatives of theirs; kUnsupported where the diffusion model is none that they are made for;
// kBadCheckpoint for sizes that make no network or are not the UNet's.
void inspect_motion(const ModelSource& source, Inspection& found);

}  // namespace tandem::models
