// How tensors travel between the coordinator and a worker.
#pragma once

#include <cstdint>

namespace tandem {

enum class Transport : std::uint8_t {
  kSharedMemory,  // a worker that computes on the CPU
  kPinned,        // shared memory that the GPU reads and writes
  kPageable,      // shared memory that the driver would not pin: copies are staged
  kCudaIpc,       // GPU memory of the coordinator
};

constexpr const char* name_of(Transport transport) {
  switch (transport) {
    case Transport::kSharedMemory:
      return "shared memory";
    case Transport::kPinned:
      return "pinned shared memory";
    case Transport::kPageable:
      return "pageable shared memory";
    case Transport::kCudaIpc:
      return "cuda ipc";
  }
  return "";
}

}  // namespace tandem
