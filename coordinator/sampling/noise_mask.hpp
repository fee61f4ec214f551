// Inpainting with any model: where a mask is 0, the latent stays as it was.
#pragma once

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/denoiser.hpp"
#include "models/prediction/prediction.hpp"

namespace tandem::coordinator {

// ComfyUI's reshape_mask: (height, width), (n, height, width) or (n, 1, height, width), any real
// type and size, as float32 of latent_shape (batch, channels, height, width): resized bilinearly,
// repeated over channels and, or cut, to the batch. Throws Error(kBadShape) for other shapes.
at::Tensor prepare_noise_mask(const at::Tensor& mask, at::IntArrayRef latent_shape);

// ComfyUI's KSamplerX0Inpaint around another denoiser, to which it refers: before the model is
// asked, what the mask keeps of x is replaced by the latent, noised to sigma; in the prediction by
// the latent itself. Between 0 and 1 the mask mixes.
class MaskedDenoiser : public Denoiser {
 public:
  // mask, latent (in the sampler's space) and noise: of x's shape, float32.
  MaskedDenoiser(Denoiser& inner, const models::Prediction& prediction, at::Tensor mask,
                 at::Tensor latent, at::Tensor noise);

  GuidedPrediction predict(const at::Tensor& x, float sigma) override;

 private:
  Denoiser& inner_;
  const models::Prediction& prediction_;
  at::Tensor mask_;
  at::Tensor kept_;  // 1 - mask
  at::Tensor latent_;
  at::Tensor noise_;
};

}  // namespace tandem::coordinator
