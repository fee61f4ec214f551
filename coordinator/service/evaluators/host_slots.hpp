// A host's memory for x and for results, read and written without being mapped: whatever the host
// does to it, there is no signal here.
#pragma once

#include <cstddef>
#include <span>

#include "ipc/fd.hpp"

namespace tandem::coordinator {

class HostSlots {
 public:
  // Takes a host's descriptors of memory with room for x of item_bytes, and for so many results of
  // the same size, each beginning at a multiple of 64 bytes. Throws kUnsealedMemory unless both are
  // sealed against shrinking and growing alone, kOutOfRange where one is too small.
  HostSlots(ipc::Fd input, ipc::Fd output, std::size_t item_bytes, int lists);

  int lists() const { return lists_; }

  // item.size() must be item_bytes. Both throw kResourceExhausted where the memory cannot be read
  // or written.
  void read(std::span<std::byte> item) const;
  void write(int list, std::span<const std::byte> item) const;

 private:
  ipc::Fd input_, output_;
  std::size_t stride_;
  int lists_;
};

}  // namespace tandem::coordinator
