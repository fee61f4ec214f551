#include "models/compute_type.hpp"

namespace tandem::models {

at::ScalarType compute_type(ModelPart part, ComputeType asked, at::Device device) {
  switch (asked) {
    case ComputeType::kF32:
      return at::kFloat;
    case ComputeType::kBF16:
      return at::kBFloat16;
    case ComputeType::kF16:
      return at::kHalf;
    case ComputeType::kAuto:
      break;
  }
  if (device.is_cpu() || part == ModelPart::kText) return at::kFloat;
  return part == ModelPart::kUnet ? at::kHalf : at::kBFloat16;
}

}  // namespace tandem::models
