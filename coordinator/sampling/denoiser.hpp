// What a sampler calls: the model, whatever stands behind it.
#pragma once

#include <ATen/core/Tensor.h>

namespace tandem::coordinator {

class Denoiser {
 public:
  virtual ~Denoiser() = default;

  // The denoised image predicted from x at sigma. x: (batch, channels, height, width) float32 in
  // the sampler's space; the result has its shape. Blocks; throws Error (kCancelled, ...).
  virtual at::Tensor operator()(const at::Tensor& x, float sigma) = 0;
};

}  // namespace tandem::coordinator
