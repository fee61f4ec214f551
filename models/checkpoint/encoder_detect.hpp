// Finds a model's text encoders, in its checkpoint and in files of their own.
#pragma once

#include "models/checkpoint/detect.hpp"
#include "models/checkpoint/model_source.hpp"

namespace tandem::models {

// Adds those that the checkpoint holds where found.family keeps them.
void inspect_encoders(const ModelSource& source, Inspection& found);

// Adds the one of a separate file; it takes the place of the checkpoint's own. Throws
// kUnknownFamily where there is none.
void inspect_encoder_file(const ModelSource& source, Inspection& found);

// To be called last: puts them into the family's order and fills found.info. Throws kBadCheckpoint
// for one that the family does not have, or where their widths do not fit the diffusion model.
void order_encoders(Inspection& found);

}  // namespace tandem::models
