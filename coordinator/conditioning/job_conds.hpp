// The conds of a job as sampling uses them.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/sample.hpp"
#include "coordinator/units/cond_evaluator.hpp"
#include "models/prediction/prediction.hpp"

namespace tandem::coordinator {

// The lists that the job's guider takes, whether it evaluates them or not, in ComfyUI's order: each
// cond resolved and, for inpainting models, with its channels; areas copied into the other lists.
// latent: (batch, channels, height, width), in the sampler's space. Throws as resolve_cond does.
std::vector<CondList> resolve_job_conds(const SampleRequest& request,
                                        const models::Prediction& prediction,
                                        const at::Tensor& latent);

}  // namespace tandem::coordinator
