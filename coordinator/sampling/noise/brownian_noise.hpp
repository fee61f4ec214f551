// The noise of SDE samplers: increments of one Brownian path over sigma.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/noise/brownian_tree.hpp"
#include "coordinator/sampling/sigmas.hpp"

namespace tandem::coordinator {

// k-diffusion's BrownianTreeNoiseSampler: what is drawn depends on the two sigmas alone, not on the
// steps between them.
class BrownianNoise {
 public:
  // For x of that shape, between the smallest of sigmas above 0 and the largest. Throws as
  // BrownianTree does.
  BrownianNoise(at::IntArrayRef shape, const Sigmas& sigmas, std::uint64_t seed);

  // Unit normal noise of the step from sigma to another one, float32 on the CPU.
  at::Tensor operator()(float sigma, float sigma_next) const;

 private:
  BrownianTree tree_;
};

}  // namespace tandem::coordinator
