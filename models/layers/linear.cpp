#include "models/layers/linear.hpp"

#include <utility>

#include <ATen/ATen.h>

namespace tandem::models {

Linear::Linear(const Weights& weights, const std::string& prefix, Features features)
    : weight_(weights.load(prefix + ".weight", {features.out, features.in})),
      bias_(weights.try_load(prefix + ".bias", {weight_.size(0)})) {}

Linear::Linear(at::Tensor weight, std::optional<at::Tensor> bias)
    : weight_(std::move(weight)), bias_(std::move(bias)) {}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  return at::linear(x, weight_, bias_);
}

}  // namespace tandem::models
