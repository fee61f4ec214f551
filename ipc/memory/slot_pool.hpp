// Who has which part of a segment. The books are in the owner's private memory: a peer that writes
// to the segment can spoil bytes of tensors, never the books.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "protocol/ids.hpp"

namespace tandem::ipc {

inline constexpr std::size_t kSlotAlignment = 64;

// A part that was given out. The generation tells it from earlier and later ones at its place.
struct Slot {
  std::uint64_t offset = 0;  // from the segment's start; a multiple of kSlotAlignment
  std::uint64_t bytes = 0;   // as asked for, rounded up to kSlotAlignment
  Generation generation;

  bool operator==(const Slot&) const = default;
};

// First fit over parts of any size; neighbours that are free become one again. Not thread-safe.
class SlotPool {
 public:
  // Books `bytes` of a segment; what is left of the last alignment is not given out.
  explicit SlotPool(std::size_t bytes);

  // nullopt where no free part is large enough. 0 bytes take one alignment, so that every slot has
  // a place of its own.
  std::optional<Slot> allocate(std::size_t bytes);

  // False, and nothing happens, for a slot that is not out: released before, or of an older
  // generation.
  [[nodiscard]] bool release(const Slot& slot);

  std::size_t capacity() const { return capacity_; }
  std::size_t bytes_in_use() const { return in_use_; }
  std::size_t slots_in_use() const { return taken_.size(); }
  std::size_t largest_free() const;

 private:
  void add_free(std::uint64_t offset, std::uint64_t bytes);

  std::size_t capacity_ = 0;
  std::size_t in_use_ = 0;
  Generation last_generation_;
  std::map<std::uint64_t, std::uint64_t> free_;  // offset to bytes; no two touch
  std::map<std::uint64_t, Slot> taken_;          // by offset
};

}  // namespace tandem::ipc
