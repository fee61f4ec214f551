// Normal noise as torch's CUDA generator gives it, computed on the CPU.
#pragma once

#include <array>
#include <cstdint>

#include <ATen/core/Tensor.h>

namespace tandem::coordinator {

// Four words of Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
std::array<std::uint32_t, 4> philox4x32(const std::array<std::uint32_t, 4>& counter,
                                        const std::array<std::uint32_t, 2>& key);

// The stream of a torch.Generator("cuda") after manual_seed. Every thread of the GPU's kernel draws
// from a counter of its own, so numbers past element 270336 of one draw depend on how many threads
// the GPU has: these are those of a GPU with 132 multiprocessors of 2048 threads (H100, H200).
// Sine, cosine and logarithm are the CPU's, which differ from the GPU's by some 1e-6.
class PhiloxNoise {
 public:
  explicit PhiloxNoise(std::uint64_t seed) : seed_(seed) {}

  // The next numbers of the stream, of that shape, float32 on the CPU.
  at::Tensor draw(at::IntArrayRef shape);

  // Torch's philox_offset: what the draws so far have used of every thread's counter.
  std::uint64_t offset() const { return offset_; }

 private:
  std::uint64_t seed_;
  std::uint64_t offset_ = 0;
};

}  // namespace tandem::coordinator
