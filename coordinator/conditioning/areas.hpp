// Where in the latent a cond counts.
#pragma once

#include <optional>
#include <string>

#include <c10/util/ArrayRef.h>

#include "protocol/job/job.hpp"
#include "protocol/latent_region.hpp"

namespace tandem::coordinator {

// The area that a cond names, in cells; shares of the latent are rounded half to even, its sides to
// at least one cell (ComfyUI's resolve_areas_and_cond_masks). It may reach over the latent's edge.
// latent_shape: (batch, channels, height, width); path: of the cond. Throws Error(kOutOfRange)
// where it begins outside of the latent.
std::optional<LatentArea> resolve_area(const job::Cond& cond, c10::IntArrayRef latent_shape,
                                       const std::string& path);

// Whether all of an area lies in the other one.
bool is_inside(const LatentArea& area, const LatentArea& other);

// The part of the area that lies in a latent, or a window of one, of this shape. Throws
// Error(kOutOfRange) where it begins outside.
LatentArea cut_to(const LatentArea& area, c10::IntArrayRef latent_shape);

}  // namespace tandem::coordinator
