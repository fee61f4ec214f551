#include "device_worker/cuda/kernels/group_norm.hpp"

#include "device_worker/cuda/kernels/half_pairs.cuh"

namespace tandem::worker {
namespace {

constexpr int kThreads = 512;
constexpr int kMostGroups = 32;
constexpr int kLanes = kThreads / kMostGroups;  // threads that merge one group's moments
constexpr int kMostChannels = 4096;
constexpr int kFewestPixels = 4;     // of a chunk
constexpr int kChunksAimedAt = 128;  // about as many as a GPU has multiprocessors

// Mean and sum of squared differences of `count` numbers.
struct Moments {
  float mean;
  float squares;
  float count;
};

// Chan, Golub and LeVeque 1979.
__device__ Moments merge(const Moments& a, const Moments& b) {
  const float count = a.count + b.count;
  if (count == 0.0F) return a;
  const float difference = b.mean - a.mean;
  const float share = b.count / count;
  return {a.mean + difference * share,
          a.squares + b.squares + difference * difference * a.count * share, count};
}

// How a block's threads lie over pairs of channels and rows of pixels.
struct Lay {
  int pairs;    // of channels
  int columns;  // threads beside each other
  int rows;     // pixels at once
  int column;
  int row;
};

__device__ Lay lay_over(int pairs) {
  Lay lay;
  lay.pairs = pairs;
  lay.columns = min(pairs, kThreads);
  lay.rows = kThreads / lay.columns;
  lay.column = threadIdx.x % lay.columns;
  lay.row = threadIdx.x / lay.columns;
  return lay;
}

// Sums `of(value)` over the chunk's pixels for each group into sums[group], in one order. `cells`
// has room for rows * pairs numbers.
template <class Pair, class Of>
__device__ void sum_groups(const Pair* x, int first, int last, const Lay& lay, int groups,
                           float* cells, float* sums, const Of& of) {
  for (int pair = lay.column; pair < lay.pairs && lay.row < lay.rows; pair += lay.columns) {
    float sum = 0.0F;
    for (int pixel = first + lay.row; pixel < last; pixel += lay.rows) {
      sum += of(to_floats(x[static_cast<std::int64_t>(pixel) * lay.pairs + pair]), pair);
    }
    cells[lay.row * lay.pairs + pair] = sum;
  }
  __syncthreads();
  const int width = lay.pairs / groups;
  for (int group = threadIdx.x; group < groups; group += kThreads) {
    float sum = 0.0F;
    for (int row = 0; row < lay.rows; ++row) {
      for (int k = 0; k < width; ++k)
        sum += cells[row * lay.pairs + group * width + k];
    }
    sums[group] = sum;
  }
  __syncthreads();
}

// One block for each chunk of pixels of an item: moments[item][chunk][group] = {mean, squares}.
template <class Pair>
__global__ void chunk_moments(const Pair* x, float2* moments, int pixels, int pairs, int groups,
                              int chunk_pixels) {
  extern __shared__ float cells[];
  __shared__ float sums[kMostGroups];
  __shared__ float means[kMostGroups];
  const Lay lay = lay_over(pairs);
  const int first = blockIdx.x * chunk_pixels;
  const int last = min(first + chunk_pixels, pixels);
  const Pair* item = x + static_cast<std::int64_t>(blockIdx.y) * pixels * pairs;
  sum_groups(item, first, last, lay, groups, cells, sums,
             [](float2 value, int) { return value.x + value.y; });
  const int width = pairs / groups;
  if (threadIdx.x < groups) {
    means[threadIdx.x] = sums[threadIdx.x] / static_cast<float>((last - first) * width * 2);
  }
  __syncthreads();
  sum_groups(item, first, last, lay, groups, cells, sums, [&](float2 value, int pair) {
    const float mean = means[pair / width];
    return (value.x - mean) * (value.x - mean) + (value.y - mean) * (value.y - mean);
  });
  if (threadIdx.x < groups) {
    moments[(static_cast<std::int64_t>(blockIdx.y) * gridDim.x + blockIdx.x) * groups +
            threadIdx.x] = {means[threadIdx.x], sums[threadIdx.x]};
  }
}

// All chunks' moments of a group, merged by kLanes threads: each its own run of chunks, then in
// pairs.
__device__ Moments merge_chunks(const float2* moments, int chunks, int chunk_pixels, int pixels,
                                int groups, int width) {
  const int group = threadIdx.x / kLanes;
  const int lane = threadIdx.x % kLanes;
  const int run = (chunks + kLanes - 1) / kLanes;
  Moments merged = {0.0F, 0.0F, 0.0F};
  for (int chunk = lane * run; group < groups && chunk < min(chunks, (lane + 1) * run); ++chunk) {
    const float2 part = moments[static_cast<std::int64_t>(chunk) * groups + group];
    const int count = min(chunk_pixels, pixels - chunk * chunk_pixels) * width * 2;
    merged = merge(merged, {part.x, part.y, static_cast<float>(count)});
  }
  for (int step = 1; step < kLanes; step *= 2) {
    const Moments other = {__shfl_down_sync(0xffffffffU, merged.mean, step, kLanes),
                           __shfl_down_sync(0xffffffffU, merged.squares, step, kLanes),
                           __shfl_down_sync(0xffffffffU, merged.count, step, kLanes)};
    merged = merge(merged, other);
  }
  return merged;  // of lane 0
}

template <class Pair>
__global__ void normalise(const Pair* x, Pair* y, const Pair* weight, const Pair* bias,
                          const float2* moments, int pixels, int pairs, int groups,
                          int chunk_pixels, float eps, bool silu) {
  extern __shared__ float4 affine[];  // by pair of channels: two factors, two offsets
  __shared__ float means[kMostGroups];
  __shared__ float scales[kMostGroups];
  const int width = pairs / groups;
  const Moments merged =
      merge_chunks(moments + static_cast<std::int64_t>(blockIdx.y) * gridDim.x * groups, gridDim.x,
                   chunk_pixels, pixels, groups, width);
  if (threadIdx.x % kLanes == 0 && threadIdx.x / kLanes < groups) {
    means[threadIdx.x / kLanes] = merged.mean;
    scales[threadIdx.x / kLanes] = rsqrtf(merged.squares / merged.count + eps);
  }
  __syncthreads();
  for (int pair = threadIdx.x; pair < pairs; pair += kThreads) {
    const float2 factor = to_floats(weight[pair]);
    const float2 offset = to_floats(bias[pair]);
    const float mean = means[pair / width];
    const float scale = scales[pair / width];
    affine[pair] = {factor.x * scale, factor.y * scale, offset.x - mean * factor.x * scale,
                    offset.y - mean * factor.y * scale};
  }
  __syncthreads();
  const std::int64_t begin = static_cast<std::int64_t>(blockIdx.x) * chunk_pixels * pairs;
  const std::int64_t end = min(static_cast<std::int64_t>(blockIdx.x + 1) * chunk_pixels,
                               static_cast<std::int64_t>(pixels)) *
                           pairs;
  const std::int64_t item = static_cast<std::int64_t>(blockIdx.y) * pixels * pairs;
  for (std::int64_t i = begin + threadIdx.x; i < end; i += kThreads) {
    const float2 value = to_floats(x[item + i]);
    const float4 by = affine[i % pairs];
    float a = value.x * by.x + by.z;
    float b = value.y * by.y + by.w;
    if (silu) {
      a = a / (1.0F + __expf(-a));
      b = b / (1.0F + __expf(-b));
    }
    store(y[item + i], a, b);
  }
}

// Depends on the shape of an item alone, so that its bits do not depend on the batch.
int chunk_pixels_of(int pixels) {
  const int aimed = (pixels + kChunksAimedAt - 1) / kChunksAimedAt;
  return aimed < kFewestPixels ? kFewestPixels : aimed;
}

int chunks_of(int pixels) {
  const int size = chunk_pixels_of(pixels);
  return (pixels + size - 1) / size;
}

template <class Pair>
cudaError_t launch(const GroupNormCall& call, cudaStream_t stream) {
  const int pairs = call.channels / 2;
  const int chunk = chunk_pixels_of(call.pixels);
  const dim3 blocks(chunks_of(call.pixels), call.items);
  const int columns = pairs < kThreads ? pairs : kThreads;
  const std::size_t cells = sizeof(float) * pairs * (kThreads / columns);
  auto* moments = reinterpret_cast<float2*>(call.moments);
  const auto* x = static_cast<const Pair*>(call.x);
  chunk_moments<Pair>
      <<<blocks, kThreads, cells, stream>>>(x, moments, call.pixels, pairs, call.groups, chunk);
  normalise<Pair><<<blocks, kThreads, sizeof(float4) * pairs, stream>>>(
      x, static_cast<Pair*>(call.y), static_cast<const Pair*>(call.weight),
      static_cast<const Pair*>(call.bias), moments, call.pixels, pairs, call.groups, chunk,
      call.eps, call.silu);
  return cudaGetLastError();
}

}  // namespace

bool takes_group_norm(int channels, int groups) {
  return groups > 0 && groups <= kMostGroups && channels <= kMostChannels &&
         channels % (2 * groups) == 0;
}

std::int64_t group_norm_moments(const GroupNormCall& call) {
  return std::int64_t{2} * call.items * chunks_of(call.pixels) * call.groups;
}

cudaError_t launch_group_norm(const GroupNormCall& call, cudaStream_t stream) {
  return call.type == HalfType::kFloat16 ? launch<__half2>(call, stream)
                                         : launch<__nv_bfloat162>(call, stream);
}

}  // namespace tandem::worker
