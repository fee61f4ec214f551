// On which devices the parts of a job's model run.
#pragma once

#include <string>
#include <utility>

#include "protocol/model_spec.hpp"

namespace tandem::coordinator {

// Each is a kind ("cpu": any worker of it) or one device ("gpu:0"); empty: any worker.
struct PartDevices {
  std::string unet;  // and the upscale model, which a job's "device" places too
  std::string text;
  std::string vae;

  static PartDevices all_on(const std::string& device) { return {device, device, device}; }

  const std::string& of(ModelPart part) const {
    switch (part) {
      case ModelPart::kUnet:
      case ModelPart::kUpscale:
        return unet;
      case ModelPart::kText:
        return text;
      case ModelPart::kVae:
        break;
    }
    return vae;
  }

  bool operator==(const PartDevices&) const = default;
};

}  // namespace tandem::coordinator
