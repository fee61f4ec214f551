// A host's patches of single weights as files of LoRAs in memory, which is how workers know them.
#pragma once

#include <vector>

#include "coordinator/service/accepted_job.hpp"
#include "protocol/evaluator/requests.hpp"

namespace tandem::coordinator {

// The most files that patches become: one file has one strength, and each weight once.
inline constexpr std::size_t kMaxPatchFiles = 256;

// Adds the patches, in their order for each weight, to the job's memory files and weight patches.
// tensors: the message's; may be null. Throws kBadRequest for a key that the diffusion model lacks
// and for parts that a patch is missing, kMissingTensor, kQuota past kMaxPatchFiles; reads the
// model's header.
void add_weight_patches(AcceptedJob& job, const std::vector<evaluator::WeightPatch>& patches,
                        const TensorFile* tensors);

}  // namespace tandem::coordinator
