// A forward pass with the hooks of plug-ins around it, in the order of docs/plugins.md.
#pragma once

#include <cstddef>
#include <functional>

#include <ATen/core/Tensor.h>

#include "device_worker/hooks/hook_store.hpp"
#include "protocol/model_info.hpp"

namespace tandem::worker {

struct HookedPass {
  at::Tensor x;  // (batch, channels, height, width) float32
  float sigma = 0.0F;
  SigmaParameters sigmas;
  std::size_t conds = 1;
};

// The pass itself, as LoadedModel::denoise.
using ForwardPass =
    std::function<at::Tensor(const at::Tensor& x, float sigma, const SigmaParameters& sigmas)>;

// Returns (conds, batch, channels, height, width) float32. Throws what `forward` throws; kInternal
// and kBadRequest with the name of the plug-in for what a hook throws; kBadShape for a wrapper that
// gives back another shape or type.
at::Tensor denoise_with_hooks(const LiveHooks& hooks, const HookedPass& pass,
                              const ForwardPass& forward);

}  // namespace tandem::worker
