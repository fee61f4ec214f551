// What a host is shown of a sampling that goes on.
#pragma once

#include <ATen/core/Tensor.h>

#include "coordinator/execution/result_file.hpp"
#include "models/families/family.hpp"

namespace tandem::coordinator {

// `x0`: the predicted latent of all items, float16, in the sampler's space. `preview`: the first
// item in colours, uint8 (height, width, 3), a pixel per latent cell; left out where the family has
// none for that many channels. denoised: (items, channels, height, width) or (items, channels,
// frames, height, width), of which the first frame is shown.
ResultFile make_preview(const at::Tensor& denoised, const models::LatentColours& colours);

}  // namespace tandem::coordinator
