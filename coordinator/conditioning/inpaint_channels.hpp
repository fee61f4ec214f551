// What an inpainting model is given beside x (ComfyUI's BaseModel.concat_cond).
#pragma once

#include <ATen/core/Tensor.h>

#include "protocol/model_info.hpp"

namespace tandem::coordinator {

// Where the channels of a cond come from. Masks are (rows, 1, height, width) of any size, latents
// (rows, channels, height, width).
struct InpaintSources {
  at::Tensor concat_latent_image;  // as a user sees it; undefined: latent
  at::Tensor concat_mask;          // undefined: noise_mask
  at::Tensor latent;               // that is sampled, in the sampler's space
  at::Tensor noise_mask;           // undefined: none
};

// (batch, 1 + channels, height, width) float32, of the shape of sources.latent: the rounded mask,
// then the latent to keep; without a mask, ones and the latent of a grey picture. Given tensors of
// another size are cut to the latent's aspect in their middle and resized bilinearly; of another
// number of rows, the nearest rows are taken.
at::Tensor make_inpaint_channels(const InpaintSources& sources, const LatentFormat& format);

}  // namespace tandem::coordinator
