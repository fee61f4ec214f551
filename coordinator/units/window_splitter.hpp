// A step's context windows, and one prediction of the latent from theirs (ComfyUI's
// IndexListContextHandler).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/sigmas.hpp"
#include "protocol/job/job.hpp"
#include "protocol/latent_region.hpp"

namespace tandem::coordinator {

// Pure: no call of it changes it.
class WindowSplitter {
 public:
  // sigmas: of the sampling; empty: its windows are the same at every step. latent_shape: (batch,
  // channels, height, width), longer than a window along the context's dimension (needs_windows).
  WindowSplitter(const job::Context& context, Sigmas sigmas, at::IntArrayRef latent_shape);

  // The windows of the step that sigma belongs to: the first whose sigma is the same but for 1e-4
  // of it. Throws Error(kBadRequest) for a sigma between steps, Error(kOutOfRange) as windows_at
  // does.
  std::vector<LatentWindow> split(float sigma) const;

  // The prediction of the latent. predictions: of the windows, in their order, each of its shape.
  at::Tensor merge(std::span<const LatentWindow> windows,
                   std::span<const at::Tensor> predictions) const;

 private:
  job::Context context_;
  Sigmas sigmas_;
  std::vector<std::int64_t> latent_shape_;
};

// None where the job has no context, or a window holds the latent whole. Throws as needs_windows
// does.
std::optional<WindowSplitter> make_window_splitter(const std::optional<job::Context>& context,
                                                   const Sigmas& sigmas,
                                                   at::IntArrayRef latent_shape);

// As above, for sigmas that nobody knows beforehand. Throws Error(kBadRequest) for a schedule whose
// windows depend on the step.
std::optional<WindowSplitter> make_static_window_splitter(
    const std::optional<job::Context>& context, at::IntArrayRef latent_shape);

}  // namespace tandem::coordinator
