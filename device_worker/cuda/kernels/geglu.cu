#include "device_worker/cuda/kernels/geglu.hpp"
#include "device_worker/cuda/kernels/half_pairs.cuh"

namespace tandem::worker {
namespace {

constexpr int kThreads = 256;
constexpr int kPairs = kGegluVector / 2;

template <class Pair>
struct alignas(16) Vector {
  Pair pairs[kPairs];
};

__device__ float gelu(float x) {
  return 0.5F * x * (1.0F + erff(x * 0.70710678118654752440F));
}

template <class Pair>
__global__ void gate(const Vector<Pair>* projected, Vector<Pair>* gated, std::int64_t vectors,
                     int row_vectors) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (i >= vectors) return;
  const std::int64_t row = i / row_vectors;
  const std::int64_t value_at = row * 2 * row_vectors + (i - row * row_vectors);
  const Vector<Pair> values = projected[value_at];
  const Vector<Pair> gates = projected[value_at + row_vectors];
  Vector<Pair> result;
  for (int k = 0; k < kPairs; ++k) {
    const float2 value = to_floats(values.pairs[k]);
    const float2 by = to_floats(gates.pairs[k]);
    store(result.pairs[k], value.x * gelu(by.x), value.y * gelu(by.y));
  }
  gated[i] = result;
}

template <class Pair>
cudaError_t launch(const GegluCall& call, cudaStream_t stream) {
  const int row_vectors = call.width / kGegluVector;
  const std::int64_t vectors = call.rows * row_vectors;
  const auto blocks = static_cast<unsigned>((vectors + kThreads - 1) / kThreads);
  gate<Pair><<<blocks, kThreads, 0, stream>>>(static_cast<const Vector<Pair>*>(call.projected),
                                              static_cast<Vector<Pair>*>(call.gated), vectors,
                                              row_vectors);
  return cudaGetLastError();
}

}  // namespace

cudaError_t launch_geglu(const GegluCall& call, cudaStream_t stream) {
  return call.type == HalfType::kFloat16 ? launch<__half2>(call, stream)
                                         : launch<__nv_bfloat162>(call, stream);
}

}  // namespace tandem::worker
