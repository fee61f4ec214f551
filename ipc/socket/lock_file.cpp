#include "ipc/socket/lock_file.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "ipc/system_error.hpp"

namespace tandem::ipc {
namespace {

// How long a holder may take to write its pid.
constexpr int kAttempts = 1000;
constexpr std::chrono::milliseconds kBetweenAttempts{1};

Fd open_own_file(const std::filesystem::path& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd.valid()) throw_errno("The lock file " + path.string() + " could not be opened");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) throw_errno("A lock file could not be looked at");
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid()) {
    throw Error(ErrorCode::kInternal,
                "The lock file " + path.string() + " is not a file of this user.",
                "Remove it, or choose another path with --socket.", path.string());
  }
  return fd;
}

// A holder that ends removes the file, so the lock of a removed one means nothing.
bool is_still_there(const Fd& fd, const std::filesystem::path& path) {
  struct stat held {};
  struct stat named {};
  return ::fstat(fd.get(), &held) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

void write_pid(const Fd& fd) {
  const std::string text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd.get(), 0) != 0 ||
      ::pwrite(fd.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    throw_errno("A lock file could not be written");
  }
}

// 0 where the file names no living process: its holder has not written it yet.
pid_t living_holder(const Fd& fd) {
  std::array<char, 16> text{};
  const ssize_t count = ::pread(fd.get(), text.data(), text.size(), 0);
  pid_t pid = 0;
  if (count > 0) std::from_chars(text.data(), text.data() + count, pid);
  if (pid <= 0) return 0;
  return ::kill(pid, 0) == 0 || errno == EPERM ? pid : 0;
}

}  // namespace

std::variant<LockFile, AlreadyRunning> LockFile::acquire(const std::filesystem::path& path) {
  for (int i = 0; i < kAttempts; ++i) {
    Fd fd = open_own_file(path);
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
      if (!is_still_there(fd, path)) continue;
      LockFile lock(path, std::move(fd));
      write_pid(lock.fd_);
      return lock;
    }
    if (errno != EWOULDBLOCK && errno != EINTR) throw_errno("A lock file could not be locked");
    if (const pid_t pid = living_holder(fd); pid > 0) return AlreadyRunning{pid};
    std::this_thread::sleep_for(kBetweenAttempts);
  }
  return AlreadyRunning{};
}

// Removed while it is still locked, so that nobody else's file is removed.
LockFile::~LockFile() {
  if (fd_.valid()) ::unlink(path_.c_str());
}

}  // namespace tandem::ipc
