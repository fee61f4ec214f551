// What a model spec asks a part to compute in.
#pragma once

#include "protocol/model_spec.hpp"

namespace tandem {

// kAuto where it leaves the choice, as it always does for upscale models.
inline ComputeType asked_type(const ModelSpec& spec, ModelPart part) {
  switch (part) {
    case ModelPart::kUnet:
      return spec.dtype;
    case ModelPart::kText:
      return spec.text_dtype;
    case ModelPart::kVae:
      return spec.vae_dtype;
    case ModelPart::kUpscale:
      break;
  }
  return ComputeType::kAuto;
}

}  // namespace tandem
