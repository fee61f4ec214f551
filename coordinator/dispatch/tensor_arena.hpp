// Shared memory in which tensors wait to be read by another process: segments that grow in number
// as needed, with blocks given out and taken back. The books are kept here, in private memory; the
// other side sees bytes only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "ipc/fd.hpp"
#include "ipc/memory/shared_segment.hpp"
#include "ipc/memory/slot_pool.hpp"
#include "protocol/ids.hpp"

namespace tandem::coordinator {

class TensorArena;

// A block that is given back when its last owner lets go of it. The arena must outlive it, which
// shared ownership of the arena's state sees to.
class ArenaBlock {
 public:
  ArenaBlock(const ArenaBlock&) = delete;
  ArenaBlock& operator=(const ArenaBlock&) = delete;
  ~ArenaBlock();

  SegmentId segment() const { return segment_; }
  // Tells it from earlier and later blocks at its place.
  Generation generation() const { return slot_.generation; }
  std::uint64_t offset() const { return offset_; }
  std::size_t bytes() const { return bytes_; }
  std::byte* data() const { return data_; }

 private:
  friend class TensorArena;
  struct State;
  ArenaBlock() = default;

  std::shared_ptr<State> state_;
  std::size_t index_ = 0;  // of the segment in the arena
  ipc::Slot slot_;
  SegmentId segment_;
  std::uint64_t offset_ = 0;
  std::size_t bytes_ = 0;
  std::byte* data_ = nullptr;
};

struct ArenaSegment {
  SegmentId id;
  std::size_t bytes = 0;
  std::byte* data = nullptr;  // as long as the arena, or a block of it, is there
};

struct ArenaLimits {
  std::size_t segment_bytes = std::size_t{16} << 20;
  std::size_t total_bytes = std::size_t{4} << 30;
};

// Safe to use from several threads.
class TensorArena {
 public:
  explicit TensorArena(ArenaLimits limits = {});

  // A block of at least so many bytes, aligned to 64. Throws kResourceExhausted past the arena's
  // total, or where the system has no memory left.
  std::shared_ptr<ArenaBlock> allocate(std::size_t bytes);

  // Segments from the given position on, in the order of their making: what a worker was not told
  // yet.
  std::vector<ArenaSegment> segments_from(std::size_t position) const;
  // A descriptor of the segment for another process; read-only unless `writable`.
  ipc::Fd share(SegmentId segment, bool writable) const;

  std::size_t bytes_in_use() const;

 private:
  std::shared_ptr<ArenaBlock::State> state_;
};

}  // namespace tandem::coordinator
