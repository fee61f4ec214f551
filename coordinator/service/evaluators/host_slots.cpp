#include "coordinator/service/evaluators/host_slots.hpp"

#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <string>
#include <unistd.h>

#include "ipc/memory/memfd.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::size_t kAlignment = 64;

void check_slot(const ipc::Fd& fd, const char* path, std::size_t bytes, int unusable_mode) {
  const std::size_t there =
      ipc::check_sealed(fd, ipc::Sealing::kSize, std::numeric_limits<off_t>::max());
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) != 0) {
    throw Error(ErrorCode::kUnsealedMemory,
                std::string(path) + ": the slot is sealed against writing.",
                "Seal it against shrinking and growing alone.", path);
  }
  if ((::fcntl(fd.get(), F_GETFL) & O_ACCMODE) == unusable_mode) {
    throw Error(ErrorCode::kBadRequest,
                std::string(path) + ": the slot is not opened for what it is for.",
                "Open it for reading and writing.", path);
  }
  if (there >= bytes) return;
  throw Error(ErrorCode::kOutOfRange,
              std::string(path) + ": the slot needs " + std::to_string(bytes) +
                  " bytes, but it has " + std::to_string(there) + ".",
              {}, path);
}

[[noreturn]] void fail(const char* what) {
  throw Error(ErrorCode::kResourceExhausted,
              std::string("The host's slot could not be ") + what + ".",
              "It must be ordinary memory that is opened for reading and writing.");
}

// Calls transfer(offset into the item, bytes left) until all is done.
template <class Transfer>
void transfer_all(std::size_t bytes, const char* what, const Transfer& transfer) {
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t moved = transfer(done, bytes - done);
    if (moved > 0) {
      done += static_cast<std::size_t>(moved);
    } else if (moved == 0 || errno != EINTR) {
      fail(what);
    }
  }
}

}  // namespace

HostSlots::HostSlots(ipc::Fd input, ipc::Fd output, std::size_t item_bytes, int lists)
    : input_(std::move(input)),
      output_(std::move(output)),
      stride_((item_bytes + kAlignment - 1) / kAlignment * kAlignment),
      lists_(lists) {
  check_slot(input_, "slots.input", item_bytes, O_WRONLY);
  check_slot(output_, "slots.output", stride_ * (static_cast<std::size_t>(lists) - 1) + item_bytes,
             O_RDONLY);
}

void HostSlots::read(std::span<std::byte> item) const {
  transfer_all(item.size(), "read", [&](std::size_t at, std::size_t left) {
    return ::pread(input_.get(), item.data() + at, left, static_cast<off_t>(at));
  });
}

void HostSlots::write(int list, std::span<const std::byte> item) const {
  const std::size_t begin = stride_ * static_cast<std::size_t>(list);
  transfer_all(item.size(), "written", [&](std::size_t at, std::size_t left) {
    return ::pwrite(output_.get(), item.data() + at, left, static_cast<off_t>(begin + at));
  });
}

}  // namespace tandem::coordinator
