#include "models/layers/conv.hpp"

#include <ATen/ATen.h>

namespace tandem::models {

Conv2d::Conv2d(const Weights& weights, const std::string& prefix, Conv2dOptions options)
    : weight_(weights.load(prefix + ".weight", {options.out, options.in, -1, -1})),
      bias_(weights.try_load(prefix + ".bias", {weight_.size(0)})),
      stride_(options.stride),
      padding_(options.padding) {}

at::Tensor Conv2d::operator()(const at::Tensor& x) const {
  return at::conv2d(x, weight_, bias_, stride_, padding_);
}

}  // namespace tandem::models
