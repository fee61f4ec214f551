// The part of a latent that a unit is about.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "protocol/latent_region.hpp"

namespace tandem::models {

// The indices of a window along its dimension: a view where each follows the one before, else a
// copy.
at::Tensor take_window(const at::Tensor& latent, const LatentWindow& window);

// The cells of an area, along the last two dimensions: a view, which may be written to.
at::Tensor narrow_to(const at::Tensor& latent, const LatentArea& area);

// Window, area and item, where there are any. The region must lie within the latent.
at::Tensor crop(const at::Tensor& latent, const LatentRegion& region);

// The shape that crop gives to a latent of this one.
std::vector<std::int64_t> cropped_shape(at::IntArrayRef latent_shape, const LatentRegion& region);

}  // namespace tandem::models
