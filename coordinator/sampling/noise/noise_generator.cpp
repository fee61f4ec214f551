#include "coordinator/sampling/noise/noise_generator.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

namespace tandem::coordinator {

NoiseGenerator::NoiseGenerator(std::uint64_t seed)
    : generator_(at::detail::createCPUGenerator(seed)) {}

at::Tensor NoiseGenerator::draw(at::IntArrayRef shape) {
  return at::randn(shape, generator_, at::TensorOptions(at::kFloat));
}

}  // namespace tandem::coordinator
