#include "tools/client/whole_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <random>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "ipc/fd.hpp"
#include "protocol/error.hpp"

namespace tandem::client {
namespace {

ErrorCode code_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
      return ErrorCode::kResourceExhausted;
    default:
      return ErrorCode::kMissingFile;
  }
}

[[noreturn]] void throw_errno(const char* what, const std::filesystem::path& path, int error) {
  throw Error(code_of(error),
              path.string() + " can't be " + what + ": " + std::generic_category().message(error),
              {}, path.string());
}

std::string hidden_name(const std::filesystem::path& target, unsigned number) {
  std::string name(".");
  name.append(target.filename().string()).append(".").append(std::to_string(number));
  return name;
}

// A file under a name that nobody else uses, removed again unless it was renamed.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target) : target_(target) {
    constexpr int kAttempts = 16;
    std::random_device random;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      name_ = target;
      name_.replace_filename(hidden_name(target, random()));
      // 0666: the umask decides, as for any file a user makes.
      fd_ = ipc::Fd(
          ::open(name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
      if (fd_.valid()) return;
      if (errno != EEXIST) throw_errno("written", target_, errno);
    }
    throw_errno("written", target_, EEXIST);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (!is_renamed_) ::unlink(name_.c_str());
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(fd_.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw_errno("written", target_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

  void rename_to_target() {
    if (::fsync(fd_.get()) != 0) throw_errno("written", target_, errno);
    if (::rename(name_.c_str(), target_.c_str()) != 0) throw_errno("written", target_, errno);
    is_renamed_ = true;
  }

 private:
  std::filesystem::path target_, name_;
  ipc::Fd fd_;
  bool is_renamed_ = false;
};

// The new name survives a power cut only once its folder is on the disk. Not every file system can
// sync a folder, and the file itself is whole by now: an error here is no failure.
void sync_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const ipc::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid()) static_cast<void>(::fsync(fd.get()));
}

}  // namespace

void write_whole_file(const std::filesystem::path& path,
                      std::span<const std::span<const std::byte>> parts) {
  TemporaryFile file(path);
  for (const std::span<const std::byte> part : parts)
    file.write(part);
  file.rename_to_target();
  sync_folder(path);
}

std::vector<std::byte> read_whole_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const ipc::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) throw_errno("read", path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno("read", path, errno);
  if (!S_ISREG(status.st_mode)) {
    throw Error(ErrorCode::kBadRequest, path.string() + " is no regular file", {}, path.string());
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > max_bytes) {
    throw Error(ErrorCode::kOutOfRange,
                path.string() + " has " + std::to_string(size) + " bytes; at most " +
                    std::to_string(max_bytes) + " are read",
                {}, path.string());
  }
  std::vector<std::byte> bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::read(fd.get(), bytes.data() + done, size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw_errno("read", path, errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace tandem::client
