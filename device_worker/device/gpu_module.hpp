// The module with the CUDA back end, loaded into this process.
#pragma once

#include <memory>
#include <string>

#include "device_worker/device/gpu_backend.hpp"

namespace tandem::worker {

// Must come before anything else asks LibTorch for CUDA, which would then stay without it. The
// module is looked for beside the program and stays loaded. Throws kNoWorker, with a hint, where it
// or a library that it needs is not there, and where the GPU at the position is not.
std::unique_ptr<GpuBackend> load_gpu_backend(int position);

// The module alone, without opening a GPU: LibTorch's CUDA half is in the process from then on.
// Comes as early, and throws the same where the module cannot be loaded.
void load_gpu_module();

// What the driver calls the GPU at a position; empty where it does not tell. Opens no GPU. Throws
// what load_gpu_module() does.
std::string gpu_name(int position);

}  // namespace tandem::worker
