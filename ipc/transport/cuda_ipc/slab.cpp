#include "ipc/transport/cuda_ipc/slab.hpp"

namespace tandem::ipc {

Slab::Slab(CudaCalls& calls, int position, std::size_t bytes)
    : device_(calls, position),
      bytes_(bytes),
      memory_(device_.allocate(bytes)),
      stream_(device_.create_stream()),
      handle_(device_.export_memory(memory_)),
      pool_(bytes) {}

}  // namespace tandem::ipc
