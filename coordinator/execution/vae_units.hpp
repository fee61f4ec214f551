// Pictures to latents and back on the workers, whole or in tiles (ComfyUI's VAE nodes).
#pragma once

#include <ATen/core/Tensor.h>

#include "coordinator/service/job_executor.hpp"

namespace tandem::coordinator {

// Latents are as a user sees them. Both throw what UnitExecutor::run throws. Where the whole does
// not fit in a worker's memory it is done in tiles, and a warning says so, as ComfyUI does.

// latent (batch, channels, height, width) float32 -> (batch, h, w, 3) float32, 0 to 1.
at::Tensor decode_latent(const AcceptedJob& job, UnitExecutor& units, JobProgress& progress,
                         const at::Tensor& latent);

// image (batch, height, width, 3) float32, 0 to 1 -> (batch, channels, h, w) float32. Sides are cut
// to multiples of the VAE's, centred.
at::Tensor encode_image(const AcceptedJob& job, UnitExecutor& units, JobProgress& progress,
                        const at::Tensor& image);

// Throws kOutOfRange, naming the key, where tiles to encode do not fall on the latent's cells.
void check_tilings(const AcceptedJob& job);

}  // namespace tandem::coordinator
