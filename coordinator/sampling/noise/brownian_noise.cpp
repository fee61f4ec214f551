#include "coordinator/sampling/noise/brownian_noise.hpp"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace tandem::coordinator {
namespace {

float smallest_above_zero(const Sigmas& sigmas) {
  float smallest = *std::max_element(sigmas.begin(), sigmas.end());
  for (const float sigma : sigmas) {
    if (sigma > 0.0F) smallest = std::min(smallest, sigma);
  }
  return smallest;
}

}  // namespace

BrownianNoise::BrownianNoise(at::IntArrayRef shape, const Sigmas& sigmas, std::uint64_t seed)
    : tree_(shape.vec(), smallest_above_zero(sigmas),
            *std::max_element(sigmas.begin(), sigmas.end()), seed) {}

at::Tensor BrownianNoise::operator()(float sigma, float sigma_next) const {
  const at::Tensor w = tree_.increment(std::min(sigma, sigma_next), std::max(sigma, sigma_next));
  const double sign = sigma < sigma_next ? 1.0 : -1.0;
  // torch's own root, which is not always the nearest float.
  return w * sign / at::scalar_tensor(std::abs(sigma_next - sigma), at::kFloat).sqrt();
}

}  // namespace tandem::coordinator
