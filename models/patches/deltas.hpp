// The arithmetic of the formats in delta_names.hpp: ComfyUI's weight adapters.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/patches/delta_names.hpp"

namespace tandem::models {

// The weight with the change that `file` holds for it, times `strength`. weight: float32, of the
// shape in which the format speaks of it; it is not written to. The result has its shape and
// device. Throws kMissingTensor where the format lacks a tensor; kBadShape where they do not fit
// the weight or each other; kUnsupported for a change of the weight's shape.
at::Tensor apply_delta(const at::Tensor& weight, const TensorMap& file, const NamedDelta& delta,
                       double strength);

}  // namespace tandem::models
