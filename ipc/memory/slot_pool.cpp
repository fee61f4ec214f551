#include "ipc/memory/slot_pool.hpp"

#include <algorithm>
#include <iterator>

namespace tandem::ipc {
namespace {

std::size_t round_down(std::size_t bytes) {
  return bytes - bytes % kSlotAlignment;
}

}  // namespace

SlotPool::SlotPool(std::size_t bytes) : capacity_(round_down(bytes)) {
  if (capacity_ > 0) free_.emplace(0, capacity_);
}

std::optional<Slot> SlotPool::allocate(std::size_t bytes) {
  if (bytes > capacity_) return std::nullopt;  // before rounding up, which could overflow
  const std::size_t rounded = round_down(std::max<std::size_t>(bytes, 1) + kSlotAlignment - 1);
  const auto fits = [rounded](const auto& part) { return part.second >= rounded; };
  const auto found = std::find_if(free_.begin(), free_.end(), fits);
  if (found == free_.end()) return std::nullopt;

  const auto [offset, available] = *found;
  free_.erase(found);
  if (available > rounded) free_.emplace(offset + rounded, available - rounded);
  const Slot slot{offset, rounded, Generation{++last_generation_.value}};
  taken_.emplace(offset, slot);
  in_use_ += rounded;
  return slot;
}

bool SlotPool::release(const Slot& slot) {
  const auto found = taken_.find(slot.offset);
  if (found == taken_.end() || found->second != slot) return false;
  taken_.erase(found);
  in_use_ -= slot.bytes;
  add_free(slot.offset, slot.bytes);
  return true;
}

std::size_t SlotPool::largest_free() const {
  std::uint64_t largest = 0;
  for (const auto& [offset, bytes] : free_)
    largest = std::max(largest, bytes);
  return largest;
}

void SlotPool::add_free(std::uint64_t offset, std::uint64_t bytes) {
  auto next = free_.lower_bound(offset);
  if (next != free_.end() && offset + bytes == next->first) {
    bytes += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto before = std::prev(next);
    if (before->first + before->second == offset) {
      before->second += bytes;
      return;
    }
  }
  free_.emplace_hint(next, offset, bytes);
}

}  // namespace tandem::ipc
