// How the predictions of windows become one: one row per fuse method of ComfyUI.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "protocol/job/job.hpp"
#include "protocol/latent_region.hpp"

namespace tandem::coordinator {

// What a window counts at each of its indices: (indices) float32. length: of the latent along the
// context's dimension.
using ContextWeights = at::Tensor (*)(const std::vector<std::int64_t>& indices, std::int64_t length,
                                      const job::Context& context);

// A window's prediction and weights, (indices).
struct FusedWindow {
  LatentWindow window;
  at::Tensor prediction;
  at::Tensor weights;
};

// The prediction of the whole latent, of this shape, from those of windows, in their order.
using ContextFuse = at::Tensor (*)(std::span<const FusedWindow> windows,
                                   at::IntArrayRef latent_shape);

struct ContextFuseRow {
  std::string_view name;
  ContextWeights weights;
  ContextFuse fuse;
};

// All fuse methods of the job format.
std::span<const ContextFuseRow> context_fuses();
// Throws Error(kOutOfRange) for a name that is not among them.
const ContextFuseRow& find_context_fuse(std::string_view name);

// 1, 2, 3 ... 3, 2, 1 (FreeNoise, Qiu et al. 2023, section 3.3).
at::Tensor pyramid_weights(const std::vector<std::int64_t>& indices, std::int64_t length,
                           const job::Context& context);
// 1 everywhere.
at::Tensor flat_weights(const std::vector<std::int64_t>& indices, std::int64_t length,
                        const job::Context& context);
// 1, but for ramps over the overlap at both ends that are not an end of the latent. Throws
// Error(kOutOfRange) for a window that is shorter than the overlap.
at::Tensor overlap_linear_weights(const std::vector<std::int64_t>& indices, std::int64_t length,
                                  const job::Context& context);

// sum(weights * prediction) / sum(weights). Of an index that a window has twice the last counts.
at::Tensor fuse_weighted(std::span<const FusedWindow> windows, at::IntArrayRef latent_shape);
// A running mean: each window counts by its distance from the middle, against all before it.
at::Tensor fuse_relative(std::span<const FusedWindow> windows, at::IntArrayRef latent_shape);

}  // namespace tandem::coordinator
