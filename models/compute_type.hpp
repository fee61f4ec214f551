// The types that parts of a model compute in.
#pragma once

#include "protocol/model_spec.hpp"

namespace tandem::models {

// What the choice of a type depends on.
struct DeviceTypes {
  bool is_gpu = false;
  bool has_bfloat16 = true;  // in hardware

  bool operator==(const DeviceTypes&) const = default;
};

// What a job asks for, or where it leaves the choice: float32 for texts and upscale models and on
// every CPU; on a GPU fp16 for the UNets of SD1, SD2 and SDXL, and for their VAEs bf16, or float32
// where the device has no bf16 (fp16 gives black pictures there). Never kAuto.
ComputeType compute_type(ModelPart part, ComputeType asked, const DeviceTypes& device);

}  // namespace tandem::models
