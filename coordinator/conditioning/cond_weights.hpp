// How much a cond's prediction counts at each cell (ComfyUI's get_area_and_mult).
#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/conditioning/resolved_cond.hpp"
#include "protocol/latent_region.hpp"

namespace tandem::coordinator {

// A cond's part in the prediction of a latent, or of one window of it.
struct CondShare {
  LatentRegion region;  // what its forward pass sees
  // Float32 that broadcasts over the region's (batch, channels, height, width); undefined: it takes
  // no part.
  at::Tensor weight = {};
};

// latent_shape: of the whole, (batch, channels, height, width). The weight is mask * mask_strength
// * strength; without a mask, strength, which fades over min(8, side / 4) cells at those borders of
// an area that are not borders of the latent or window. The masks' rows are those of the window's
// items, where a window is of items and there is a row for each. Throws Error(kOutOfRange) where
// the area begins outside of the window.
CondShare share_of(const ResolvedCond& cond, at::IntArrayRef latent_shape,
                   const std::optional<LatentWindow>& window);

// What shares leave to default conds: max(0, 1 - sum of weights), (batch, 1, height, width);
// undefined where that is nothing anywhere. window_shape: of the latent or window that the shares
// are of (finalize_default_conds).
at::Tensor uncovered_weight(const std::vector<const CondShare*>& shares,
                            at::IntArrayRef window_shape);

}  // namespace tandem::coordinator
