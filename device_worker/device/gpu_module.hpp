// The module with the CUDA back end, loaded into this process.
#pragma once

#include <memory>

#include "device_worker/device/gpu_backend.hpp"

namespace tandem::worker {

// Must come before anything else asks LibTorch for CUDA, which would then stay without it. The
// module is looked for beside the program and stays loaded. Throws kNoWorker, with a hint, where it
// or a library that it needs is not there, and where the GPU at the position is not.
std::unique_ptr<GpuBackend> load_gpu_backend(int position);

}  // namespace tandem::worker
