// A cond as a job asks for it, and as sampling uses it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/units/unit_runner.hpp"
#include "models/prediction/prediction.hpp"
#include "protocol/job/job.hpp"
#include "protocol/latent_region.hpp"
#include "protocol/model_info.hpp"

namespace tandem::coordinator {

// The encoded prompt beside what the job says of it, and the tensors that it names.
struct RequestedCond {
  CondTensors tensors;
  job::Cond cond;
  at::Tensor mask = {};  // undefined: none
  at::Tensor concat_latent_image = {};
  at::Tensor concat_mask = {};
};

struct ResolvedCond {
  CondTensors tensors;
  float strength = 1.0F;
  // The sigmas at which it takes part, both ends included.
  float sigma_start = 0.0F;
  float sigma_end = 0.0F;
  std::optional<LatentArea> area = {};
  at::Tensor mask = {};  // (rows, 1, height, width) of the latent, float32; undefined: none
  double mask_strength = 1.0;
  bool is_default = false;
  std::vector<std::string> hooks = {};  // ids of groups
};

// Percents become sigmas (ComfyUI's calculate_start_end_timesteps), areas cells, masks get the
// latent's size; families with a pooled vector get their sizes, of which the defaults are the
// latent's own in pixels. The channels of inpainting models are left out. latent_shape: (batch,
// channels, height, width); path: of the cond, for messages ("positive[0]"). Throws
// Error(kBadShape) where cond, pooled or mask do not fit, Error(kBadRequest) where a pooled vector
// is missing or a default cond has an area, Error(kOutOfRange) for an area outside of the latent.
ResolvedCond resolve_cond(const RequestedCond& requested, const ModelInfo& model,
                          const models::Prediction& prediction, at::IntArrayRef latent_shape,
                          const std::string& path);

inline bool is_active(const ResolvedCond& cond, float sigma) {
  return sigma <= cond.sigma_start && sigma >= cond.sigma_end;
}

}  // namespace tandem::coordinator
