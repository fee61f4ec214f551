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
  const bool is_exact = part == ModelPart::kText || part == ModelPart::kUpscale;
  if (device.is_cpu() || is_exact) return at::kFloat;
  return part == ModelPart::kUnet ? at::kHalf : at::kBFloat16;
}

}  // namespace tandem::models
