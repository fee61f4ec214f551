// CUDA graphs of LibTorch.
#pragma once

#include <functional>
#include <memory>

#include <ATen/cuda/CUDAGraph.h>

#include "device_worker/device/gpu_backend.hpp"

namespace tandem::worker {

// Records on the current stream, which must not be the default one; what `work` allocates stays in
// a pool that lives as long as the graph. Throws c10::Error, or what `work` throws; then the stream
// records no more.
std::unique_ptr<GpuGraph> capture_cuda_graph(c10::DeviceIndex device,
                                             const std::function<void()>& work);

}  // namespace tandem::worker
