// Pictures to larger ones on the workers (ComfyUI's ImageUpscaleWithModel).
#pragma once

#include <ATen/core/Tensor.h>

#include "coordinator/service/job_executor.hpp"

namespace tandem::coordinator {

// image (batch, height, width, 3) float32, 0 to 1 -> (batch, scale * height, scale * width, 3)
// float32, 0 to 1, in tiles of the job's "upscale". Where a tile does not fit in a worker's memory
// all is done again with tiles of half the side, down to 128, and a warning says so. Throws what
// UnitExecutor::run throws. The job must have an upscale model.
at::Tensor upscale_image(const AcceptedJob& job, UnitExecutor& units, JobProgress& progress,
                         const at::Tensor& image);

}  // namespace tandem::coordinator
