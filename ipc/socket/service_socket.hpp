// The service's socket file: made so that there is one service per path, that no stale file stands
// in the way, and that the name appears only once connections are taken.
#pragma once

#include <filesystem>
#include <sys/types.h>
#include <variant>

#include "ipc/fd.hpp"
#include "ipc/socket/lock_file.hpp"

namespace tandem::ipc {

// A listening socket under a name of its own. Removes the name with the object, if it is still its.
class SocketFile {
 public:
  // Bound and listening under a temporary name beside `path`, mode 0600, then renamed. Replaces
  // what is at `path`.
  explicit SocketFile(std::filesystem::path path);
  SocketFile(SocketFile&&) noexcept = default;
  SocketFile& operator=(SocketFile&&) = delete;
  ~SocketFile();

  const std::filesystem::path& path() const { return path_; }
  int get() const { return fd_.get(); }

 private:
  std::filesystem::path path_;
  Fd fd_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

class ServiceSocket {
 public:
  // Makes the directory (0700) where there is none. An existing one must be this user's, or have
  // the sticky bit, so that nobody else can put another socket in the place. A socket that nobody
  // listens on is replaced. Throws kInternal, naming the path, for a directory that others may
  // change, or anything but a socket at the path; kOutOfRange for a path too long for a socket.
  static std::variant<ServiceSocket, AlreadyRunning> claim(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return socket_.path(); }
  // Listens, does not block; stays this object's.
  int get() const { return socket_.get(); }

 private:
  ServiceSocket(LockFile lock, SocketFile socket)
      : lock_(std::move(lock)), socket_(std::move(socket)) {}

  LockFile lock_;
  SocketFile socket_;
};

}  // namespace tandem::ipc
