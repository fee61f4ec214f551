// Group normalisation of half-precision images whose channels come last, with SiLU where asked for.
//
// LibTorch's kernel wants the channels first: around each of its calls two transposing copies of
// the image are made, and SiLU reads and writes it once more. These two kernels read it three times
// (from the cache, mostly) and write it once. Sums are formed in one fixed order, float32: the same
// input has the same bits, and an item those that it has in a batch of another size.
#pragma once

#include <cstdint>
#include <cuda_runtime_api.h>

#include "device_worker/cuda/kernels/half_type.hpp"

namespace tandem::worker {

struct GroupNormCall {
  HalfType type = HalfType::kFloat16;
  const void* x = nullptr;       // (items, pixels, channels)
  void* y = nullptr;             // the same
  const void* weight = nullptr;  // (channels)
  const void* bias = nullptr;    // (channels)
  float* moments = nullptr;      // group_norm_moments() floats of scratch memory
  int items = 0;
  int pixels = 0;
  int channels = 0;
  int groups = 0;
  float eps = 0.0F;
  bool silu = false;
};

// Whether the kernels take such a shape: whole pairs of channels in at most 32 groups, in a block's
// shared memory.
bool takes_group_norm(int channels, int groups);

// Floats of scratch memory.
std::int64_t group_norm_moments(const GroupNormCall& call);

// Queues the kernels; what the launches say.
cudaError_t launch_group_norm(const GroupNormCall& call, cudaStream_t stream);

}  // namespace tandem::worker
