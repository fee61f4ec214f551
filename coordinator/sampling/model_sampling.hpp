// What a job's "sampling" and "motion" make of the model's own sigmas.
#pragma once

#include <optional>

#include "protocol/job/job.hpp"
#include "protocol/model_info.hpp"

namespace tandem::coordinator {

// The model's parameters where the job says nothing. These are also what the workers apply around
// the network. Throws Error(kBadRequest) for a flow's setting (kind, shift, multiplier) without a
// flow and for zsnr with one; and as apply_beta_schedule does.
SigmaParameters apply_sampling(SigmaParameters model, const job::Sampling& sampling,
                               const std::optional<job::Motion>& motion = std::nullopt);

}  // namespace tandem::coordinator
