// CudaCalls over CUDA's runtime. Compiled into modules alone.
#pragma once

#include "ipc/cuda/calls.hpp"

namespace tandem::ipc {

CudaCalls& runtime_calls();

}  // namespace tandem::ipc
