// A job's "model" as what workers load.
#pragma once

#include <string>

#include "protocol/job/job.hpp"
#include "protocol/model_spec.hpp"

namespace tandem::coordinator {

// All but the upscale model. Throws kBadRequest for a path that is not absolute: the client knows
// what it is relative to.
ModelSpec model_spec_of(const job::Job& job);

// The upscale model, which is a model by itself: jobs of different checkpoints share it. Throws the
// same.
ModelSpec upscale_spec_of(const job::Job& job);

// The path itself. Throws kBadRequest, naming the key, for one that is not absolute; an empty one
// is no path.
const std::string& absolute_path(const std::string& path, const std::string& key);

}  // namespace tandem::coordinator
