#include "models/checkpoint/read_only_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

std::string errno_text() {
  return std::generic_category().message(errno);
}

int open_for_reading(const std::string& path) {
  // Without O_NONBLOCK a named pipe would block here for ever.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) {
    throw Error(ErrorCode::kMissingFile, "'" + path + "' cannot be opened: " + errno_text() + ".",
                {}, path);
  }
  return descriptor;
}

constexpr std::int64_t kNanoseconds = 1'000'000'000;

}  // namespace

ReadOnlyFile::ReadOnlyFile(const std::string& path) : descriptor_(open_for_reading(path)) {
  struct stat status = {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    ::close(descriptor_);
    throw Error(ErrorCode::kBadCheckpoint, "'" + path + "' is no regular file.", {}, path);
  }
  stamp_ = {.path = path,
            .device = status.st_dev,
            .inode = status.st_ino,
            .bytes = static_cast<std::uint64_t>(status.st_size),
            .modified_ns = status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec};
}

ReadOnlyFile::~ReadOnlyFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

ReadOnlyFile::ReadOnlyFile(ReadOnlyFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), stamp_(std::move(other.stamp_)) {}

void ReadOnlyFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t count =
        ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      throw Error(ErrorCode::kBadCheckpoint,
                  "'" + stamp_.path + "' cannot be read at byte " + std::to_string(offset) + ": " +
                      (count == 0 ? "it ends there" : errno_text()) + ".",
                  {}, stamp_.path);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

}  // namespace tandem::models
