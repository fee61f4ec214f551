// Pairs of half-precision numbers, as kernels read and write them: computed with in float32.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace tandem::worker {

__device__ inline float2 to_floats(__half2 pair) {
  return __half22float2(pair);
}

__device__ inline float2 to_floats(__nv_bfloat162 pair) {
  return __bfloat1622float2(pair);
}

// Rounded to nearest even.
__device__ inline void store(__half2& to, float a, float b) {
  to = __floats2half2_rn(a, b);
}

__device__ inline void store(__nv_bfloat162& to, float a, float b) {
  to = __floats2bfloat162_rn(a, b);
}

}  // namespace tandem::worker
