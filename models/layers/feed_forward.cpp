#include "models/layers/feed_forward.hpp"

#include <ATen/ATen.h>

#include "models/layers/geglu.hpp"

namespace tandem::models {

GegluFeedForward::GegluFeedForward(const Weights& weights, const std::string& prefix,
                                   std::int64_t width)
    : in_(weights, prefix + ".net.0.proj", {.in = width}),
      out_(weights, prefix + ".net.2", {.in = in_.out_features() / 2, .out = width}) {}

at::Tensor GegluFeedForward::operator()(const at::Tensor& x) const {
  return out_(geglu(in_(x)));
}

}  // namespace tandem::models
