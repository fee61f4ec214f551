// What a job's "sampling" makes of the model's own sigmas.
#pragma once

#include "protocol/job/job.hpp"
#include "protocol/model_info.hpp"

namespace tandem::coordinator {

// The model's parameters where the job says nothing. These are also what the workers apply around
// the network. Throws Error(kBadRequest) for a flow's setting (kind, shift, multiplier) without a
// flow and for zsnr with one.
SigmaParameters apply_sampling(SigmaParameters model, const job::Sampling& sampling);

}  // namespace tandem::coordinator
