#include "models/compute_type.hpp"

namespace tandem::models {

ComputeType compute_type(ModelPart part, ComputeType asked, const DeviceTypes& device) {
  if (asked != ComputeType::kAuto) return asked;
  const bool is_exact = part == ModelPart::kText || part == ModelPart::kUpscale;
  if (!device.is_gpu || is_exact) return ComputeType::kF32;
  if (part == ModelPart::kUnet) return ComputeType::kF16;
  return device.has_bfloat16 ? ComputeType::kBF16 : ComputeType::kF32;
}

}  // namespace tandem::models
