// Anonymous shared memory: no name in any file system, freed by the kernel with its last user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/interprocess/detail/os_file_functions.hpp>
#include <boost/interprocess/mapped_region.hpp>

#include "ipc/fd.hpp"

namespace tandem::ipc {

// What has been given up for good.
enum class Sealing : std::uint8_t {
  kSize,     // nobody can shrink or grow it: access never raises SIGBUS
  kContent,  // nor can anybody change its bytes
};

class Memfd {
 public:
  // `bytes` of zeros, all of it reserved: running out of memory shows here and not as a signal at
  // the first access. The name is for /proc/PID/maps alone. Throws kOutOfRange for 0 bytes,
  // kResourceExhausted where memory or descriptors are short.
  static Memfd create(const std::string& name, std::size_t bytes);

  // For good. kContent needs every writable mapping to be gone, else throws kInternal.
  void seal(Sealing sealing);

  // A descriptor that can only be read and mapped read-only, whatever its receiver does. (Kernels
  // before 6.7 refuse a shared mapping of write-sealed memory through any other.)
  Fd reopen_read_only() const;

  std::size_t size() const { return bytes_; }
  const Fd& fd() const { return fd_; }
  Fd release() && { return std::move(fd_); }

  // What boost::interprocess::mapped_region asks of a mapping.
  boost::interprocess::mapping_handle_t get_mapping_handle() const;

 private:
  Memfd(Fd fd, std::size_t bytes) : fd_(std::move(fd)), bytes_(bytes) {}

  Fd fd_;
  std::size_t bytes_ = 0;
};

// The size in bytes of memory that came from a peer. Throws kUnsealedMemory unless it is a memfd
// sealed so far, kOutOfRange where it is empty or larger than `max_bytes`. For kContent a peer may
// have used F_SEAL_WRITE or F_SEAL_FUTURE_WRITE; with the latter its own older mappings still
// write, so what is validated must be copied first.
std::size_t check_sealed(const Fd& fd, Sealing sealing, std::size_t max_bytes);

// Memfd::reopen_read_only for memory that came from elsewhere. Throws kResourceExhausted,
// kInternal.
Fd reopen_read_only(const Fd& fd);

// Maps `bytes` from the start. Throws kResourceExhausted where address space or memory is short,
// kInternal where the descriptor does not allow the mode.
boost::interprocess::mapped_region map_whole(const Fd& fd, std::size_t bytes,
                                             boost::interprocess::mode_t mode);

// Maps all of a peer's memory privately and read-only, after check_sealed(fd, kContent, max_bytes).
boost::interprocess::mapped_region map_peer_content(const Fd& fd, std::size_t max_bytes);

}  // namespace tandem::ipc
