// A job's "model" as what workers load.
#pragma once

#include "protocol/job/job.hpp"
#include "protocol/model_spec.hpp"

namespace tandem::coordinator {

// Throws kBadRequest for a path that is not absolute: the client knows what it is relative to.
ModelSpec model_spec_of(const job::Job& job);

}  // namespace tandem::coordinator
