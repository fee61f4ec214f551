// A cond as a job asks for it, and as sampling uses it.
#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "coordinator/units/unit_runner.hpp"
#include "models/prediction/prediction.hpp"
#include "protocol/job/job.hpp"
#include "protocol/model_info.hpp"

namespace tandem::coordinator {

// The encoded prompt beside what the job says of it.
struct RequestedCond {
  CondTensors tensors;
  job::Cond cond;
};

struct ResolvedCond {
  CondTensors tensors;
  float strength = 1.0F;
  // The sigmas at which it takes part, both ends included.
  float sigma_start = 0.0F;
  float sigma_end = 0.0F;
};

// Percents become sigmas (ComfyUI's calculate_start_end_timesteps); families with a pooled vector
// get their sizes, of which the defaults are the latent's own in pixels. latent_shape: (batch,
// channels, height, width); path: of the cond, for messages ("positive[0]"). Throws
// Error(kBadShape) where cond or pooled do not fit the model, Error(kBadRequest) where a pooled
// vector is missing.
ResolvedCond resolve_cond(const RequestedCond& requested, const ModelInfo& model,
                          const models::Prediction& prediction, at::IntArrayRef latent_shape,
                          const std::string& path);

inline bool is_active(const ResolvedCond& cond, float sigma) {
  return sigma <= cond.sigma_start && sigma >= cond.sigma_end;
}

}  // namespace tandem::coordinator
