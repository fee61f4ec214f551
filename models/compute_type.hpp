// The types that parts of a model compute in.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include "protocol/model_spec.hpp"

namespace tandem::models {

// What a job asks for, or where it leaves the choice: float32 for texts and upscale models and on
// every CPU; on a GPU fp16 for the UNets of SD1, SD2 and SDXL, bf16 for their VAEs (fp16 gives
// black pictures there).
at::ScalarType compute_type(ModelPart part, ComputeType asked, at::Device device);

}  // namespace tandem::models
