// The context windows of a job over a latent.
#pragma once

#include <cstddef>
#include <vector>

#include <ATen/core/Tensor.h>

#include "protocol/job/job.hpp"
#include "protocol/latent_region.hpp"

namespace tandem::coordinator {

// Whether the latent (batch, channels, height, width) is longer than a window. Throws where windows
// of it are not possible: Error(kOutOfRange) for a dimension that is not batch, height or width and
// for an overlap that is not smaller than a window; Error(kBadRequest) for windows of a batch's
// heights or widths.
bool needs_windows(const job::Context& context, at::IntArrayRef latent_shape);

// The windows of a step, in order. Throws Error(kOutOfRange) where the stride needs a longer
// latent.
std::vector<LatentWindow> windows_at(const job::Context& context, at::IntArrayRef latent_shape,
                                     std::size_t step);

// What a window counts at each of its indices when windows are fused: (indices) float32.
at::Tensor context_weights(const job::Context& context, at::IntArrayRef latent_shape,
                           const LatentWindow& window);

}  // namespace tandem::coordinator
