// Normal noise as torch's generators give it: the same numbers as ComfyUI's for a seed.
#pragma once

#include <cstdint>
#include <variant>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include "coordinator/sampling/noise/philox.hpp"

namespace tandem::coordinator {

// Whose generator: torch's on a CPU (mt19937, which uses the low 32 bits of the seed) or on CUDA
// (Philox).
enum class NoiseSource : std::uint8_t { kCpu, kCuda };

// A stream of noise; owns its generator.
class NoiseGenerator {
 public:
  explicit NoiseGenerator(std::uint64_t seed, NoiseSource source = NoiseSource::kCpu);
  NoiseGenerator(NoiseGenerator&&) = default;
  NoiseGenerator& operator=(NoiseGenerator&&) = default;
  NoiseGenerator(const NoiseGenerator&) = delete;
  NoiseGenerator& operator=(const NoiseGenerator&) = delete;

  // The next numbers of the stream, of that shape, float32 on the CPU.
  at::Tensor draw(at::IntArrayRef shape);

 private:
  std::variant<at::Generator, PhiloxNoise> generator_;
};

}  // namespace tandem::coordinator
