// What a job's LoRAs and embeddings have that its model or its texts do not.
#pragma once

#include <string>

#include "coordinator/service/job_executor.hpp"

namespace tandem::coordinator {

// A warning for each file of LoRAs and hooks with tensors that match nothing in the model, for each
// cond whose text names embeddings that mean nothing, and for each embedding of a width that a text
// encoder lacks. Reads headers. Throws as models::inspect_model does.
void warn_of_side_files(const AcceptedJob& job, JobProgress& progress);

// The same of one text, and of embeddings alone.
void warn_of_missing(const Embeddings& embeddings, const job::Prompt& prompt,
                     const std::string& path, JobProgress& progress);
void warn_of_widths(const Embeddings& embeddings, const ModelInfo& info, JobProgress& progress);

}  // namespace tandem::coordinator
