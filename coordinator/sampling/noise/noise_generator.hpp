// Normal noise as torch's CPU generator gives it: the same numbers as ComfyUI's for a seed.
#pragma once

#include <cstdint>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

namespace tandem::coordinator {

// A stream of noise; owns its generator (mt19937, which uses the low 32 bits of the seed).
class NoiseGenerator {
 public:
  explicit NoiseGenerator(std::uint64_t seed);
  NoiseGenerator(NoiseGenerator&&) = default;
  NoiseGenerator& operator=(NoiseGenerator&&) = default;
  NoiseGenerator(const NoiseGenerator&) = delete;
  NoiseGenerator& operator=(const NoiseGenerator&) = delete;

  // The next numbers of the stream, of that shape, float32 on the CPU.
  at::Tensor draw(at::IntArrayRef shape);

 private:
  at::Generator generator_;
};

}  // namespace tandem::coordinator
