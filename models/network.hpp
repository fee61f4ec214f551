// A diffusion network as a function of tensors, so that something may stand between a model and the
// network's kernels.
#pragma once

#include <functional>
#include <optional>

#include <ATen/core/Tensor.h>

#include "models/families/motion/inputs.hpp"

namespace tandem::models {

// On the network's device, in its types; see UNet::operator().
struct NetworkInputs {
  at::Tensor x;
  at::Tensor timesteps;
  at::Tensor context;
  std::optional<at::Tensor> y;
  MotionInputs motion = {};
};

using Network = std::function<at::Tensor(const NetworkInputs&)>;

// Makes a network that gives the same bits in another way, for instance by replaying its kernels.
using WrapNetwork = std::function<Network(Network)>;

}  // namespace tandem::models
