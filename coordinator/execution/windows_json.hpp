// The output "windows": a job's context windows, step by step.
#pragma once

#include <cstddef>

#include <ATen/core/Tensor.h>
#include <boost/json/object.hpp>

#include "protocol/job/job.hpp"

namespace tandem::coordinator {

// {"windows": [{"windows": [[index, ...], ...], "weights": [[number, ...], ...]}, ...]}, an entry
// per step, for a latent (batch, channels, height, width). Throws as needs_windows and windows_at
// do; Error(kOutOfRange) for more than a million indices.
boost::json::object windows_json(const job::Context& context, at::IntArrayRef latent_shape,
                                 std::size_t steps);

}  // namespace tandem::coordinator
