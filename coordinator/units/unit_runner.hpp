// What sampling asks of the rest of Tandem: forward passes of conds, computed somewhere. A
// sampler's mathematics sees no worker, no process and no transport behind it.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "protocol/latent_region.hpp"
#include "protocol/plugin_hook.hpp"

namespace tandem::coordinator {

// What the network is conditioned on, the same for all steps of a job. Tensors are float32 on the
// CPU.
struct CondTensors {
  at::Tensor context;  // (rows, tokens, width)
  at::Tensor pooled;   // (rows, width); undefined where the family takes none
  // SDXL: height, width, crop_h, crop_w, target_height, target_width in pixels.
  std::optional<std::array<double, 6>> sizes = {};
  // Inpainting models: what stands beside x, of the whole latent: (batch, channels, height, width).
  at::Tensor concat = {};
  at::Tensor y = {};  // (rows, width), in place of pooled and sizes; undefined: they make it
  std::vector<PluginHook> plugin_hooks = {};  // around every pass that it takes part in
};

// A LoRA over the model's own weights.
struct HookStrength {
  std::string file;  // as the job names it
  double strength = 1.0;

  bool operator==(const HookStrength&) const = default;
};

// One unit: conds that share a forward pass over the same part of x.
struct DenoiseCall {
  at::Tensor x;                    // (batch, channels, height, width) float32, the sampler's space
  float sigma = 0.0F;              // the same for the whole batch
  std::vector<std::size_t> conds;  // what add_cond returned
  LatentRegion region = {};        // of x
  std::vector<HookStrength> hooks = {};  // of all of them
};

class UnitRunner {
 public:
  virtual ~UnitRunner() = default;

  // Makes a cond known for the rest of the job; it is sent to a worker once, when first used there.
  virtual std::size_t add_cond(CondTensors cond) = 0;

  // Computes all calls, on any number of workers, and returns one result per call in the order of
  // the calls: the denoised predictions (ComfyUI's apply_model) of its conds over its region,
  // (conds, batch, channels, height, width) float32. Throws Error: kCancelled, kWorkerLost,
  // kNotFinite, ...
  virtual std::vector<at::Tensor> denoise(const std::vector<DenoiseCall>& calls) = 0;
};

}  // namespace tandem::coordinator
