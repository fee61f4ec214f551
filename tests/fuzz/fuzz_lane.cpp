// The memory of a lane as a process that went wrong may leave it: the first 8 bytes are how much
// was written, the others lie in the ring.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "ipc/lane/message_ring.hpp"
#include "protocol/error.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tandem::ipc;
  constexpr std::size_t kMessages = 8192;
  std::uint64_t written = 0;
  if (size < sizeof(written)) return 0;
  const auto memory = std::make_unique<RingMemory>();
  std::memcpy(&written, data, sizeof(written));
  memory->written = written;
  std::memcpy(memory->bytes, data + sizeof(written), std::min(size - sizeof(written), kRingBytes));
  RingReader reader(*memory);
  try {
    for (std::size_t i = 0; i < kMessages && reader.next_place(); ++i) {
      if (reader.take().body.size() > kMaxRingMessage) std::abort();
    }
  } catch (const tandem::Error&) {  // what most inputs come to
  }
  return 0;
}
