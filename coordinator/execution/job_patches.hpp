// A job's LoRAs and hooks as the patch sets that its units name.
#pragma once

#include <vector>

#include "coordinator/service/job_executor.hpp"
#include "coordinator/units/unit_runner.hpp"
#include "protocol/patches.hpp"

namespace tandem::coordinator {

// The job's LoRAs in its order, at their strength on the part, for the diffusion model its other
// patches after them, and the hooks over them.
PatchSet model_patches(const AcceptedJob& job, const std::vector<HookStrength>& hooks = {});
PatchSet text_patches(const AcceptedJob& job, const std::vector<HookStrength>& hooks = {});

}  // namespace tandem::coordinator
