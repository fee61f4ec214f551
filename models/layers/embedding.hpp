// Numbers as vectors.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/layers/linear.hpp"

namespace tandem::models {

// Sinusoidal embedding of (possibly fractional) timesteps, cosines first (Ho et al. 2020, as in
// guided-diffusion): frequencies max_period^(-i / (width / 2)). timesteps (n) of any real type ->
// (n, width) float32 on the same device; an odd width ends in a zero.
at::Tensor timestep_embedding(const at::Tensor& timesteps, std::int64_t width,
                              double max_period = 10000.0);

// linear, SiLU, linear: PREFIX.0 (out, in) and PREFIX.2 (out, out).
// Throws kMissingTensor, kBadShape.
class EmbeddingMlp {
 public:
  EmbeddingMlp(const Weights& weights, const std::string& prefix, Features features);

  // (n, in) -> (n, out)
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Linear first_;
  Linear second_;
};

}  // namespace tandem::models
