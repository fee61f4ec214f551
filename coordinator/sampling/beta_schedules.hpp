// The beta schedules that "motion" may name: AnimateDiff-Evolved's, by its names.
#pragma once

#include "protocol/job/job.hpp"
#include "protocol/model_info.hpp"

namespace tandem::coordinator {

// The model's parameters with the betas of the motion's schedule. "autoselect" takes those that the
// modules of Stable Diffusion 1.x were trained with, and leaves a model without modules as it is.
// Throws Error(kUnsupported), naming the key, for a name that is not known; kBadRequest for a model
// without betas (a flow).
SigmaParameters apply_beta_schedule(SigmaParameters model, const job::Motion& motion);

}  // namespace tandem::coordinator
