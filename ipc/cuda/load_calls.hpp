// The module with CUDA's runtime, loaded into this process.
#pragma once

#include <filesystem>

#include "ipc/cuda/calls.hpp"

namespace tandem::ipc {

// Looks for the module in a folder; it stays loaded. Throws kUnsupported, with the reason, where it
// or CUDA's runtime is not there.
CudaCalls& load_cuda_calls(const std::filesystem::path& folder);

}  // namespace tandem::ipc
