// The sigmas of a job's sampler: scheduler, denoise, first and last step.
#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/sigmas.hpp"
#include "models/prediction/prediction.hpp"
#include "protocol/job/job.hpp"

namespace tandem::coordinator {

// ComfyUI's KSampler. denoise below 1: the last steps + 1 sigmas of int(steps / denoise) steps;
// samplers of the second order lose the sigma before the last; start_step and end_step cut, and a
// cut end becomes 0 unless leftover noise is wanted. given replaces scheduler, steps and denoise.
// Empty where nothing is left to sample: the latent then stays as it is. Also for samplers that
// cannot run yet. Throws Error(kOutOfRange) for unknown names and for steps outside 1 to 1000000.
Sigmas calculate_job_sigmas(const job::Sampler& sampler, const std::optional<at::Tensor>& given,
                            const models::Prediction& prediction);

}  // namespace tandem::coordinator
