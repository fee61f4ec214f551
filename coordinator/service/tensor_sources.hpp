// Tensors of a host's message in the place of a file: {"tensors": "prefix."}.
#pragma once

#include "coordinator/service/accepted_job.hpp"

namespace tandem::coordinator {

// For each LoRA, hook and embedding of the job that names tensors: a file in memory with those
// whose names begin so, without it, among the job's side files and memory files. Throws
// kMissingTensor where there are none, naming the key.
void add_tensor_sources(AcceptedJob& job, const TensorFile* tensors);

}  // namespace tandem::coordinator
