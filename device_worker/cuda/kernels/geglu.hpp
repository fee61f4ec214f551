// The gate of a transformer's feed-forward in half precision: one pass, where LibTorch's kernels
// make two over halves of rows and keep the GELU in between.
#pragma once

#include <cstdint>
#include <cuda_runtime_api.h>

#include "device_worker/cuda/kernels/half_type.hpp"

namespace tandem::worker {

struct GegluCall {
  HalfType type = HalfType::kFloat16;
  const void* projected = nullptr;  // (rows, 2 * width): values, then gates
  void* gated = nullptr;            // (rows, width)
  std::int64_t rows = 0;
  int width = 0;
};

// Queues the kernel for a width that is a multiple of kGegluVector; what the launch says.
cudaError_t launch_geglu(const GegluCall& call, cudaStream_t stream);

// Numbers that a thread reads at once; both halves of a row lie at multiples of it.
inline constexpr int kGegluVector = 8;

}  // namespace tandem::worker
