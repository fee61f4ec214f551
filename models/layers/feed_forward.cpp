#include "models/layers/feed_forward.hpp"

#include <ATen/ATen.h>

namespace tandem::models {

GegluFeedForward::GegluFeedForward(const Weights& weights, const std::string& prefix,
                                   std::int64_t width)
    : in_(weights, prefix + ".net.0.proj", {.in = width}),
      out_(weights, prefix + ".net.2", {.in = in_.out_features() / 2, .out = width}) {}

at::Tensor GegluFeedForward::operator()(const at::Tensor& x) const {
  const std::vector<at::Tensor> halves = in_(x).chunk(2, -1);
  return out_(halves[0] * at::gelu(halves[1]));
}

}  // namespace tandem::models
