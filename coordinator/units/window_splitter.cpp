#include "coordinator/units/window_splitter.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/context/context_fuses.hpp"
#include "coordinator/sampling/context/context_schedules.hpp"
#include "coordinator/sampling/context/context_windows.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

// torch.isclose with rtol 1e-4, in float32 as there.
bool is_close(float step_sigma, float sigma) {
  constexpr float kRelative = 1e-4F;
  constexpr float kAbsolute = 1e-8F;
  return std::abs(step_sigma - sigma) <= kAbsolute + std::abs(kRelative * sigma);
}

}  // namespace

WindowSplitter::WindowSplitter(const job::Context& context, Sigmas sigmas,
                               at::IntArrayRef latent_shape)
    : context_(context), sigmas_(std::move(sigmas)), latent_shape_(latent_shape.vec()) {}

std::vector<LatentWindow> WindowSplitter::split(float sigma) const {
  if (sigmas_.empty()) return windows_at(context_, latent_shape_, 0);
  const auto step = std::find_if(sigmas_.begin(), sigmas_.end(),
                                 [&](float candidate) { return is_close(candidate, sigma); });
  if (step == sigmas_.end()) {
    throw Error(ErrorCode::kBadRequest,
                "The sampler evaluates at sigma " + std::to_string(sigma) +
                    ", between the steps; context windows belong to steps.",
                "Choose a sampler that evaluates at its steps' sigmas alone, such as euler.",
                "context");
  }
  return windows_at(context_, latent_shape_, static_cast<std::size_t>(step - sigmas_.begin()));
}

at::Tensor WindowSplitter::merge(std::span<const LatentWindow> windows,
                                 std::span<const at::Tensor> predictions) const {
  std::vector<FusedWindow> fused;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    fused.push_back(
        {windows[i], predictions[i], context_weights(context_, latent_shape_, windows[i])});
  }
  return find_context_fuse(context_.fuse).fuse(fused, latent_shape_);
}

std::optional<WindowSplitter> make_window_splitter(const std::optional<job::Context>& context,
                                                   const Sigmas& sigmas,
                                                   at::IntArrayRef latent_shape) {
  if (!context || !needs_windows(*context, latent_shape)) return std::nullopt;
  return WindowSplitter(*context, sigmas, latent_shape);
}

std::optional<WindowSplitter> make_static_window_splitter(
    const std::optional<job::Context>& context, at::IntArrayRef latent_shape) {
  if (!context || !needs_windows(*context, latent_shape)) return std::nullopt;
  if (find_context_schedule(context->schedule).is_static)
    return WindowSplitter(*context, {}, latent_shape);
  throw Error(ErrorCode::kBadRequest,
              "sigmas: the windows of " + context->schedule +
                  " depend on the step, which is known by the run's sigmas alone.",
              "Give them; the schedules standard_static and batched need none.", "sigmas");
}

}  // namespace tandem::coordinator
