// Finds a checkpoint's diffusion model and the family it is of.
#pragma once

#include "models/checkpoint/detect.hpp"
#include "models/checkpoint/model_source.hpp"

namespace tandem::models {

// Fills found.unet, found.family and what found.info says of them. Throws kUnknownFamily, with the
// model's name where it is known, and kBadCheckpoint for sizes that do not fit together.
void inspect_unet(const ModelSource& source, Inspection& found);

}  // namespace tandem::models
