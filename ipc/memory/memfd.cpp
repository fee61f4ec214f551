#include "ipc/memory/memfd.hpp"

#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <sys/mman.h>
#include <sys/stat.h>

#include <boost/interprocess/exceptions.hpp>

#include "ipc/system_error.hpp"

namespace tandem::ipc {
namespace {

constexpr int kSizeSeals = F_SEAL_SHRINK | F_SEAL_GROW;

bool is_sealed(int seals, Sealing sealing) {
  const bool size = (seals & kSizeSeals) == kSizeSeals;
  const bool content = (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0;
  return size && (sealing == Sealing::kSize || content);
}

// F_GET_SEALS fails on everything that is no memfd (or file of a tmpfs, which comes unsealable).
int seals_of(const Fd& fd) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return 0;
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  return seals < 0 ? 0 : seals;
}

void reserve(const Fd& fd, std::size_t bytes) {
  int result = 0;
  do {
    result = ::fallocate(fd.get(), 0, 0, static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    throw_errno("Shared memory of " + std::to_string(bytes) + " bytes could not be reserved");
  }
}

}  // namespace

Memfd Memfd::create(const std::string& name, std::size_t bytes) {
  if (bytes == 0 || bytes > static_cast<std::size_t>(std::numeric_limits<off_t>::max())) {
    throw Error(ErrorCode::kOutOfRange, "Shared memory has at least 1 byte and fits a file, but " +
                                            std::to_string(bytes) + " bytes were asked for.");
  }
  Fd fd(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) throw_errno("Shared memory could not be created");
  reserve(fd, bytes);
  return Memfd(std::move(fd), bytes);
}

void Memfd::seal(Sealing sealing) {
  const int seals = kSizeSeals | (sealing == Sealing::kContent ? F_SEAL_WRITE : 0);
  // F_SEAL_SEAL: a receiver must not be able to seal away the writing of others.
  if (::fcntl(fd_.get(), F_ADD_SEALS, seals | F_SEAL_SEAL) != 0) {
    throw_errno("Shared memory could not be sealed");
  }
}

Fd Memfd::reopen_read_only() const {
  return ipc::reopen_read_only(fd_);
}

boost::interprocess::mapping_handle_t Memfd::get_mapping_handle() const {
  return boost::interprocess::ipcdetail::mapping_handle_from_file_handle(fd_.get());
}

Fd reopen_read_only(const Fd& fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd.get());
  Fd reopened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!reopened.valid()) throw_errno("Shared memory could not be opened read-only");
  return reopened;
}

std::size_t check_sealed(const Fd& fd, Sealing sealing, std::size_t max_bytes) {
  if (!is_sealed(seals_of(fd), sealing)) {
    throw Error(
        ErrorCode::kUnsealedMemory,
        sealing == Sealing::kContent
            ? "A memfd sealed with SHRINK, GROW and WRITE (or FUTURE_WRITE) was expected, but the "
              "descriptor is of something else."
            : "A memfd sealed with SHRINK and GROW was expected, but the descriptor is of "
              "something else.",
        "Create it with MFD_ALLOW_SEALING and seal it before it is sent.");
  }
  // Read after the seals: a size read before them could have changed since.
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno("The size of shared memory is unknown");
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes == 0 || bytes > max_bytes) {
    throw Error(ErrorCode::kOutOfRange, "Shared memory of 1 to " + std::to_string(max_bytes) +
                                            " bytes was expected, but it has " +
                                            std::to_string(bytes) + ".");
  }
  return bytes;
}

boost::interprocess::mapped_region map_whole(const Fd& fd, std::size_t bytes,
                                             boost::interprocess::mode_t mode) {
  struct Mapping {
    boost::interprocess::mapping_handle_t handle;
    boost::interprocess::mapping_handle_t get_mapping_handle() const { return handle; }
  };
  try {
    return {Mapping{boost::interprocess::ipcdetail::mapping_handle_from_file_handle(fd.get())},
            mode, 0, bytes};
  } catch (const boost::interprocess::interprocess_exception& exception) {
    throw system_error(exception.get_native_error(),
                       "Shared memory of " + std::to_string(bytes) + " bytes could not be mapped");
  }
}

boost::interprocess::mapped_region map_peer_content(const Fd& fd, std::size_t max_bytes) {
  const std::size_t bytes = check_sealed(fd, Sealing::kContent, max_bytes);
  return map_whole(fd, bytes, boost::interprocess::read_private);
}

}  // namespace tandem::ipc
