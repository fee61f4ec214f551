// Masks as sampling uses them: in the latent's size.
#pragma once

#include <ATen/core/Tensor.h>

#include "protocol/latent_region.hpp"

namespace tandem::coordinator {

// (height, width), (rows, height, width) or (rows, 1, height, width) -> (rows, 1, height, width)
// float32. Throws Error(kBadShape) for other shapes; path names the tensor.
at::Tensor as_mask(const at::Tensor& mask, const char* path);

// A mask of (rows, 1, ...) in the latent's height and width: bilinear, without antialiasing, its
// aspect not kept. latent_shape: (batch, channels, height, width).
at::Tensor resize_mask(const at::Tensor& mask, at::IntArrayRef latent_shape);

// The smallest area, at least 8 by 8 cells, with all that is not 0 in a mask (rows, 1, height,
// width); 8 by 8 at the origin for an empty one.
LatentArea bounds_of(const at::Tensor& mask);

}  // namespace tandem::coordinator
