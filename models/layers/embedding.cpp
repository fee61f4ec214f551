#include "models/layers/embedding.hpp"

#include <cmath>

#include <ATen/ATen.h>

namespace tandem::models {

at::Tensor timestep_embedding(const at::Tensor& timesteps, std::int64_t width, double max_period) {
  const std::int64_t half = width / 2;
  const auto options = at::TensorOptions(at::kFloat).device(timesteps.device());
  const at::Tensor frequencies =
      at::exp(-std::log(max_period) * at::arange(half, options) / static_cast<double>(half));
  const at::Tensor angles = timesteps.to(at::kFloat).unsqueeze(1) * frequencies.unsqueeze(0);
  const at::Tensor embedding = at::cat({at::cos(angles), at::sin(angles)}, -1);
  return width % 2 == 0 ? embedding : at::constant_pad_nd(embedding, {0, 1});
}

EmbeddingMlp::EmbeddingMlp(const Weights& weights, const std::string& prefix, Features features)
    : first_(weights, prefix + ".0", features),
      second_(weights, prefix + ".2", {.in = features.out, .out = features.out}) {}

at::Tensor EmbeddingMlp::operator()(const at::Tensor& x) const {
  return second_(at::silu(first_(x)));
}

}  // namespace tandem::models
