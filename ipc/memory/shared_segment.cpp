#include "ipc/memory/shared_segment.hpp"

#include "protocol/error.hpp"

namespace tandem::ipc {

namespace bip = boost::interprocess;

SharedSegment SharedSegment::create(const std::string& name, std::size_t bytes) {
  Memfd memfd = Memfd::create(name, bytes);
  memfd.seal(Sealing::kSize);
  bip::mapped_region region = map_whole(memfd.fd(), bytes, bip::read_write);
  return {std::move(memfd).release(), std::move(region), true};
}

SharedSegment SharedSegment::attach(Fd fd, std::size_t max_bytes) {
  const std::size_t bytes = check_sealed(fd, Sealing::kSize, max_bytes);
  bip::mapped_region region = map_whole(fd, bytes, bip::read_write);
  return {std::move(fd), std::move(region), true};
}

SharedSegment SharedSegment::attach_read_only(Fd fd, std::size_t max_bytes) {
  const std::size_t bytes = check_sealed(fd, Sealing::kSize, max_bytes);
  bip::mapped_region region = map_whole(fd, bytes, bip::read_only);
  return {std::move(fd), std::move(region), false};
}

Fd SharedSegment::share_read_only() const {
  return reopen_read_only(fd_);
}

std::span<const std::byte> SharedSegment::bytes() const {
  return {static_cast<const std::byte*>(region_.get_address()), region_.get_size()};
}

std::span<std::byte> SharedSegment::writable_bytes() const {
  if (!writable_) {
    throw Error(ErrorCode::kInternal, "A segment that is mapped read-only cannot be written to.");
  }
  return {static_cast<std::byte*>(region_.get_address()), region_.get_size()};
}

}  // namespace tandem::ipc
