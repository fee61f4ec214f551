// Shared memory of a fixed size, mapped as long as the object lives.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include <boost/interprocess/mapped_region.hpp>

#include "ipc/fd.hpp"
#include "ipc/memory/memfd.hpp"

namespace tandem::ipc {

// The peer can write wherever a segment is writable for it: nothing is kept in one but the bytes of
// tensors, and what is read from one is validated on a copy.
class SharedSegment {
 public:
  // Reserved, zeroed and sealed against a change of size. Throws kResourceExhausted.
  static SharedSegment create(const std::string& name, std::size_t bytes);

  // What came from another process. Throws kUnsealedMemory where its size is not sealed,
  // kOutOfRange past `max_bytes`, kInternal where it cannot be mapped (a read-only descriptor
  // cannot be mapped for writing).
  static SharedSegment attach(Fd fd, std::size_t max_bytes);
  static SharedSegment attach_read_only(Fd fd, std::size_t max_bytes);

  // A descriptor for another process: to write to as well, or only to read from.
  Fd share() const { return fd_.duplicate(); }
  Fd share_read_only() const;

  std::size_t size() const { return region_.get_size(); }
  bool writable() const { return writable_; }
  std::span<const std::byte> bytes() const;
  // Throws kInternal on a segment that was attached read-only.
  std::span<std::byte> writable_bytes() const;

 private:
  SharedSegment(Fd fd, boost::interprocess::mapped_region region, bool writable)
      : fd_(std::move(fd)), region_(std::move(region)), writable_(writable) {}

  Fd fd_;
  boost::interprocess::mapped_region region_;
  bool writable_ = false;
};

}  // namespace tandem::ipc
