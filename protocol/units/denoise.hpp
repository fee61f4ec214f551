// Unit kind: one forward pass of the diffusion model for conds that share it.
#pragma once

#include <vector>

#include "protocol/ids.hpp"
#include "protocol/latent_region.hpp"
#include "protocol/model_info.hpp"
#include "protocol/motion_use.hpp"
#include "protocol/patches.hpp"
#include "protocol/tensor_handle.hpp"

namespace tandem {

struct Denoise {
  ModelId model;
  SigmaParameters sigmas;  // the model's own, or what the job's "sampling" made of them
  TensorHandle x;          // (batch, channels, height, width) float32, the whole latent
  float sigma = 0.0F;
  std::vector<ConstantId> conds;
  LatentRegion region = {};  // of x, the same for all conds
  PatchSet patches = {};
  MotionUse motion = {};                // the items of the batch are the frames
  std::vector<float> item_sigmas = {};  // one for each item of x where they differ; empty: sigma

  bool operator==(const Denoise&) const = default;
};

struct DenoiseResult {
  TensorHandle denoised;  // (conds, batch, channels, height, width) float32, of the region

  bool operator==(const DenoiseResult&) const = default;
};

}  // namespace tandem
