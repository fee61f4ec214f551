// Weights that are stored in another type than they compute in, converted once for several users.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"

namespace tandem::models {

// Who keeps the converted copies, and whether others share them, is the implementation's.
class WeightCopies {
 public:
  virtual ~WeightCopies() = default;

  // The tensors (CPU) in `type` under the same names, contiguous, with the bits that Tensor::to
  // gives; they must not be written to. An empty map where there is no room for them: then each
  // tensor is converted when it is loaded. Called once for each file of a part, in the same order
  // by everyone who loads the part.
  virtual TensorMap convert(const TensorMap& stored, at::ScalarType type) = 0;
};

// The tensors whose names begin with `prefix`, under their full names; those that would be
// converted to `type` are what `copies` makes of them.
TensorMap with_copies(const TensorMap& tensors, const std::string& prefix, at::ScalarType type,
                      WeightCopies& copies);

}  // namespace tandem::models
