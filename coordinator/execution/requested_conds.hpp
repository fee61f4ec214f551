// A job's conds with the tensors that they name.
#pragma once

#include <string>
#include <vector>

#include "coordinator/conditioning/resolved_cond.hpp"
#include "coordinator/execution/prompts.hpp"
#include "coordinator/service/job_executor.hpp"

namespace tandem::coordinator {

// The cond at `path`: one, or one for each range of a text that is encoded by a schedule. Its text,
// if it has one, is in `prompts`. Throws kMissingTensor.
std::vector<RequestedCond> requested_conds(const AcceptedJob& job, const job::Cond& cond,
                                           const std::string& path, const EncodedPrompts& prompts);

// The cond with all of its tensors but those of its prompt.
RequestedCond placed_cond(const AcceptedJob& job, const job::Cond& cond, const std::string& path);

}  // namespace tandem::coordinator
