#include "coordinator/sampling/noise/noise_generator.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

namespace tandem::coordinator {

NoiseGenerator::NoiseGenerator(std::uint64_t seed, NoiseSource source)
    : generator_(at::detail::createCPUGenerator(seed)) {
  if (source == NoiseSource::kCuda) generator_ = PhiloxNoise(seed);
}

at::Tensor NoiseGenerator::draw(at::IntArrayRef shape) {
  if (auto* philox = std::get_if<PhiloxNoise>(&generator_)) return philox->draw(shape);
  return at::randn(shape, std::get<at::Generator>(generator_), at::TensorOptions(at::kFloat));
}

}  // namespace tandem::coordinator
