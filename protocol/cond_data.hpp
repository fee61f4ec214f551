// A cond as it travels to a worker: once per job and worker, under a ConstantId.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "protocol/plugin_hook.hpp"
#include "protocol/tensor_handle.hpp"

namespace tandem {

struct CondData {
  TensorHandle context;                // (rows, tokens, width) float32
  std::optional<TensorHandle> pooled;  // (rows, width) float32
  // SDXL: height, width, crop_h, crop_w, target_height, target_width in pixels.
  std::optional<std::array<double, 6>> sizes = {};
  // What an inpainting model gets beside x, of the whole latent: (batch, channels, height, width)
  // float32.
  std::optional<TensorHandle> concat = {};
  std::optional<TensorHandle> y = {};         // (rows, width) float32, in place of pooled and sizes
  std::vector<PluginHook> plugin_hooks = {};  // around the passes that it takes part in, in order

  bool operator==(const CondData&) const = default;
};

}  // namespace tandem
