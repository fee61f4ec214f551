// Unit kind: the bare diffusion model, once.
#pragma once

#include <optional>

#include "protocol/ids.hpp"
#include "protocol/motion_use.hpp"
#include "protocol/patches.hpp"
#include "protocol/tensor_handle.hpp"

namespace tandem {

struct Forward {
  ModelId model;
  TensorHandle x;         // (batch, channels, height, width) float32
  TensorHandle timestep;  // (batch) float32: what the network receives
  std::optional<TensorHandle> context;
  std::optional<TensorHandle> y;
  PatchSet patches = {};
  MotionUse motion = {};  // the items of the batch are the frames

  bool operator==(const Forward&) const = default;
};

struct ForwardResult {
  TensorHandle out;  // (batch, channels, height, width) float32

  bool operator==(const ForwardResult&) const = default;
};

}  // namespace tandem
