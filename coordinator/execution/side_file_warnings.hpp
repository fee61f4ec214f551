// What a job's LoRAs and embeddings have that its model or its texts do not.
#pragma once

#include <string>

#include "coordinator/service/job_executor.hpp"

namespace tandem::coordinator {

// A warning for each file of LoRAs and hooks with tensors that match nothing in the model, for each
// cond whose text names embeddings that the job does not, and for each embedding of a width that a
// text encoder lacks. Reads headers. Throws as models::inspect_model does.
void warn_of_side_files(const AcceptedJob& job, JobProgress& progress);

// The same of one cond's text: embeddings that the job does not name.
void warn_of_missing(const AcceptedJob& job, const job::Cond& cond, const std::string& path,
                     JobProgress& progress);

}  // namespace tandem::coordinator
