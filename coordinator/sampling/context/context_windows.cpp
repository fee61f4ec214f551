#include "coordinator/sampling/context/context_windows.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "coordinator/sampling/context/context_fuses.hpp"
#include "coordinator/sampling/context/context_schedules.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr int kBatchDim = 0;
constexpr int kChannelDim = 1;

std::int64_t length_of(const job::Context& context, at::IntArrayRef latent_shape) {
  return latent_shape[static_cast<std::size_t>(context.dim)];
}

void check_dim(const job::Context& context, at::IntArrayRef latent_shape) {
  if (context.dim != kChannelDim && context.dim < static_cast<int>(latent_shape.size())) return;
  throw Error(ErrorCode::kOutOfRange,
              "Context windows are along dimension 0, 2 or 3 of a latent (batch, channels, height, "
              "width), not " +
                  std::to_string(context.dim) + ".",
              "", "context.dim");
}

void check_overlap(const job::Context& context) {
  if (context.schedule == "batched" || context.overlap < context.length) return;
  throw Error(ErrorCode::kOutOfRange,
              "Windows of " + std::to_string(context.length) +
                  " overlap by less than that, not by " + std::to_string(context.overlap) + ".",
              "", "context.overlap");
}

}  // namespace

bool needs_windows(const job::Context& context, at::IntArrayRef latent_shape) {
  check_dim(context, latent_shape);
  check_overlap(context);
  if (length_of(context, latent_shape) <= context.length) return false;
  if (context.dim != kBatchDim && latent_shape[0] != 1) {
    throw Error(ErrorCode::kBadRequest,
                "Context windows along dimension " + std::to_string(context.dim) +
                    " are of one latent, not of a batch of " + std::to_string(latent_shape[0]) +
                    ".",
                "Send the items as jobs of their own.", "context.dim");
  }
  return true;
}

std::vector<LatentWindow> windows_at(const job::Context& context, at::IntArrayRef latent_shape,
                                     std::size_t step) {
  const std::int64_t length = length_of(context, latent_shape);
  std::vector<LatentWindow> windows;
  for (auto& indices : find_context_schedule(context.schedule).windows(length, context, step)) {
    if (*std::max_element(indices.begin(), indices.end()) >= length) {
      throw Error(ErrorCode::kOutOfRange,
                  "A window of " + std::to_string(context.length) + " with a stride of " +
                      std::to_string(context.stride) + " reaches past the end of " +
                      std::to_string(length) + ".",
                  "Choose a smaller stride.", "context.stride");
    }
    windows.push_back({context.dim, std::move(indices)});
  }
  return windows;
}

at::Tensor context_weights(const job::Context& context, at::IntArrayRef latent_shape,
                           const LatentWindow& window) {
  return find_context_fuse(context.fuse)
      .weights(window.indices, length_of(context, latent_shape), context);
}

}  // namespace tandem::coordinator
