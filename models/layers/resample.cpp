#include "models/layers/resample.hpp"

#include <ATen/ATen.h>

namespace tandem::models {

at::Tensor resize_nearest(const at::Tensor& x, std::array<std::int64_t, 2> size) {
  return at::upsample_nearest2d(x, at::IntArrayRef(size), std::nullopt);
}

Downsample::Downsample(const Weights& weights, const std::string& prefix, std::int64_t channels)
    : conv_(weights, prefix + ".op", {.stride = 2, .padding = 1, .in = channels, .out = channels}) {
}

at::Tensor Downsample::operator()(const at::Tensor& x) const {
  return conv_(x);
}

Upsample::Upsample(const Weights& weights, const std::string& prefix, std::int64_t channels)
    : conv_(weights, prefix + ".conv", {.padding = 1, .in = channels, .out = channels}) {}

at::Tensor Upsample::operator()(const at::Tensor& x, std::array<std::int64_t, 2> size) const {
  return conv_(resize_nearest(x, size));
}

}  // namespace tandem::models
