// What a sampler calls: the model, whatever stands behind it.
#pragma once

#include <ATen/core/Tensor.h>

namespace tandem::coordinator {

// Both of x's shape, float32.
struct GuidedPrediction {
  at::Tensor denoised;  // the image that guidance makes of the lists' predictions
  at::Tensor uncond;    // the one that guidance leads away from: CFG++ samplers renoise with it
};

class Denoiser {
 public:
  virtual ~Denoiser() = default;

  // The denoised image predicted from x at sigma. x: (batch, channels, height, width) float32 in
  // the sampler's space. Blocks; throws Error (kCancelled, ...).
  virtual GuidedPrediction predict(const at::Tensor& x, float sigma) = 0;

  at::Tensor operator()(const at::Tensor& x, float sigma) { return predict(x, sigma).denoised; }
};

}  // namespace tandem::coordinator
