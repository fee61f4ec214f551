// A coordinator and a worker that give tensors' bytes to each other over one transport, and do
// nothing else: for the conformance suite and the benchmark. The mechanics are ipc's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "protocol/slab_offer.hpp"

namespace tandem::ipc {

enum class Way : std::uint8_t { kPlain, kPinned, kCudaIpc };

// What the two say to each other, as the bodies of frames.
enum EchoKind : std::uint16_t { kSegments, kSlab, kTrip, kDone, kFailed };

struct EchoSegments {  // with two descriptors: inputs, results
  std::uint64_t bytes = 0;
};

struct EchoSlab {
  SlabOffer offer;
  std::uint64_t input_offset = 0;
  std::uint64_t result_offset = 0;
};

struct EchoTrip {
  std::uint64_t bytes = 0;
  std::uint64_t turn = 0;
};

// The worker's process: answers until the connection ends. Gives its exit status.
int echo_worker(Way way, int gpu, int fd);

}  // namespace tandem::ipc
