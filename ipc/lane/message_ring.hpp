// Small messages from one process to another through shared memory, without a system call: a ring
// of bytes with one writer and one reader. (Lamport, "Specifying Concurrent Program Modules", 1983;
// whether the reader sleeps is settled as in Dekker's algorithm.)
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem::ipc {

inline constexpr std::size_t kRingBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxRingMessage = kRingBytes / 4;

// What lies in the shared memory. Zeroed memory is an empty ring whose reader sleeps. Each side
// keeps its own place in private memory: what the other side writes here is a claim, which is
// checked.
struct RingMemory {
  static constexpr std::size_t kLine = 64;  // of the cache: the sides share none

  alignas(kLine) std::atomic<std::uint64_t> written;  // bytes since the start, by the writer
  alignas(kLine) std::atomic<std::uint64_t> read;     // bytes since the start, by the reader
  std::atomic<std::uint32_t> awake;                   // by the reader: it looks before it sleeps
  alignas(kLine) std::byte bytes[kRingBytes];
};

struct RingMessage {
  std::uint16_t kind = 0;
  std::uint64_t place = 0;  // the writer's, for the reader
  std::string body;
};

enum class Put : std::uint8_t {
  kNo,      // the reader sleeps, or there is no room: nothing was written
  kYes,     // the reader will see it
  kYesWake  // the reader may be asleep by now: it must be woken
};

class RingWriter {
 public:
  // The memory must outlive the writer.
  explicit RingWriter(RingMemory& memory) : memory_(memory) {}

  // At most kMaxRingMessage bytes fit. Once the reader's place is one that it cannot have, every
  // put says kNo.
  Put put(std::uint16_t kind, std::uint64_t place, std::string_view body);

 private:
  void copy_in(const void* from, std::size_t bytes);

  RingMemory& memory_;
  std::uint64_t written_ = 0;
};

class RingReader {
 public:
  explicit RingReader(RingMemory& memory) : memory_(memory) {}

  // The place of the message that is next, if there is one. Throws kBadFrame where the writer's
  // bytes are none of a message.
  std::optional<std::uint64_t> next_place();
  // That message, whose bytes are the reader's own now. Only after next_place() gave one.
  RingMessage take();

  // From now on the writer may count on being read.
  void stay_awake();
  // The writer must wake this side for what it writes from now on; what it wrote before is to be
  // taken before one sleeps.
  void fall_asleep();

 private:
  void copy_out(void* to, std::size_t bytes);

  RingMemory& memory_;
  std::uint64_t read_ = 0;
  std::optional<std::uint64_t> place_;  // of the next message, once its header was read
  std::uint16_t kind_ = 0;
  std::size_t length_ = 0;
};

}  // namespace tandem::ipc
