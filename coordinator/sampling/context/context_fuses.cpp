#include "coordinator/sampling/context/context_fuses.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include <ATen/ATen.h>

#include "models/tensor/latent_region.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::array kFuses = {
    ContextFuseRow{"pyramid", pyramid_weights, fuse_weighted},
    ContextFuseRow{"flat", flat_weights, fuse_weighted},
    ContextFuseRow{"relative", pyramid_weights, fuse_relative},
    ContextFuseRow{"overlap-linear", overlap_linear_weights, fuse_weighted},
};

// In place of 0 at the end of a ramp, so that no index has the weight 0 in all.
constexpr double kAlmostNothing = 1e-37;
constexpr double kLeastBias = 1e-2;

// (1, ..., n, ..., 1), n along dim.
at::Tensor along(const at::Tensor& values, std::int64_t dim, std::size_t dims) {
  std::vector<std::int64_t> shape(dims, 1);
  shape[static_cast<std::size_t>(dim)] = values.numel();
  return values.reshape(shape);
}

void add_window(const at::Tensor& full, const LatentWindow& window, const at::Tensor& added) {
  if (is_run(window)) {
    models::take_window(full, window).add_(added);
    return;
  }
  const std::int64_t dim = window.dim;
  const at::Tensor indices = at::tensor(window.indices, at::kLong);
  full.index_copy_(dim, indices, full.index_select(dim, indices) + added);
}

// The influence of an index by its distance from the window's middle.
double relative_bias(const std::vector<std::int64_t>& indices, std::int64_t index) {
  const auto first = static_cast<double>(indices.front());
  const auto last = static_cast<double>(indices.back());
  const double distance = std::abs(static_cast<double>(index) - (first + last) / 2);
  return std::max(kLeastBias, 1 - distance / ((last - first + 1e-2) / 2));
}

}  // namespace

std::span<const ContextFuseRow> context_fuses() {
  return kFuses;
}

const ContextFuseRow& find_context_fuse(std::string_view name) {
  const auto* const row =
      std::find_if(kFuses.begin(), kFuses.end(), [&](const auto& r) { return r.name == name; });
  if (row != kFuses.end()) return *row;
  throw Error(ErrorCode::kOutOfRange, "There is no way to fuse '" + std::string(name) + "'.", "",
              "context.fuse");
}

at::Tensor pyramid_weights(const std::vector<std::int64_t>& indices, std::int64_t,
                           const job::Context&) {
  const at::Tensor from_start =
      at::arange(1, static_cast<std::int64_t>(indices.size()) + 1, at::kFloat);
  return at::minimum(from_start, from_start.flip(0));
}

at::Tensor flat_weights(const std::vector<std::int64_t>& indices, std::int64_t,
                        const job::Context&) {
  return at::ones({static_cast<std::int64_t>(indices.size())}, at::kFloat);
}

at::Tensor overlap_linear_weights(const std::vector<std::int64_t>& indices, std::int64_t length,
                                  const job::Context& context) {
  at::Tensor weights = flat_weights(indices, length, context);
  const std::int64_t overlap = context.overlap;
  if (overlap > weights.numel()) {
    throw Error(ErrorCode::kOutOfRange,
                "The overlap of " + std::to_string(overlap) + " is longer than a window of " +
                    std::to_string(weights.numel()) + ".",
                "Fuse with pyramid or flat, or choose a smaller overlap.", "context.overlap");
  }
  if (overlap == 0) return weights;
  const auto [least, most] = std::minmax_element(indices.begin(), indices.end());
  if (*least > 0) {
    weights.narrow(0, 0, overlap).copy_(at::linspace(kAlmostNothing, 1, overlap, at::kFloat));
  }
  if (*most < length - 1) {
    weights.narrow(0, weights.numel() - overlap, overlap)
        .copy_(at::linspace(1, kAlmostNothing, overlap, at::kFloat));
  }
  return weights;
}

at::Tensor fuse_weighted(std::span<const FusedWindow> windows, at::IntArrayRef latent_shape) {
  const at::Tensor sum = at::zeros(latent_shape, at::kFloat);
  at::Tensor total;
  for (const FusedWindow& fused : windows) {
    const std::int64_t dim = fused.window.dim;
    const at::Tensor weights = along(fused.weights, dim, latent_shape.size());
    if (!total.defined()) {
      const std::int64_t length = latent_shape[static_cast<std::size_t>(dim)];
      total = along(at::zeros({length}, at::kFloat), dim, latent_shape.size());
    }
    add_window(sum, fused.window, fused.prediction * weights);
    add_window(total, fused.window, weights);
  }
  return sum / total;
}

at::Tensor fuse_relative(std::span<const FusedWindow> windows, at::IntArrayRef latent_shape) {
  at::Tensor mean = at::zeros(latent_shape, at::kFloat);
  std::vector<double> totals(
      static_cast<std::size_t>(*std::max_element(latent_shape.begin(), latent_shape.end())), 0.0);
  for (const FusedWindow& fused : windows) {
    const auto& indices = fused.window.indices;
    for (std::size_t position = 0; position < indices.size(); ++position) {
      const double bias = relative_bias(indices, indices[position]);
      double& total = totals[static_cast<std::size_t>(indices[position])];
      const at::Tensor cells = mean.select(fused.window.dim, indices[position]);
      const at::Tensor fresh =
          fused.prediction.select(fused.window.dim, static_cast<std::int64_t>(position));
      cells.copy_(cells * (total / (total + bias)) + fresh * (bias / (total + bias)));
      total += bias;
    }
  }
  return mean;
}

}  // namespace tandem::coordinator
