// A job's "model" as what workers load.
#pragma once

#include "protocol/job/job.hpp"
#include "protocol/model_spec.hpp"

namespace tandem::coordinator {

// All but the upscale model. Throws kBadRequest for a path that is not absolute: the client knows
// what it is relative to.
ModelSpec model_spec_of(const job::Job& job);

// The upscale model, which is a model by itself: jobs of different checkpoints share it. Throws the
// same.
ModelSpec upscale_spec_of(const job::Job& job);

}  // namespace tandem::coordinator
