#include "ipc/socket/service_socket.hpp"

#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/socket/peer.hpp"
#include "ipc/socket/socket_path.hpp"
#include "ipc/system_error.hpp"

namespace tandem::ipc {
namespace {

namespace fs = std::filesystem;

Error refused(const fs::path& path, const std::string& why, const std::string& hint) {
  return Error(ErrorCode::kInternal, path.string() + " " + why + ".", hint, path.string());
}

fs::path directory_of(const fs::path& path) {
  const fs::path parent = path.parent_path();
  return parent.empty() ? "." : parent;
}

void make_directory(const fs::path& directory) {
  std::error_code failed;
  fs::create_directories(directory.parent_path(), failed);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    throw_errno("The socket's directory " + directory.string() + " could not be made");
  }
}

// Connecting is guarded by the socket's own mode and by the check of each peer; the directory must
// only keep others from replacing it.
void check_directory(const fs::path& directory) {
  struct stat status {};
  if (::lstat(directory.c_str(), &status) != 0) {
    throw_errno("The socket's directory " + directory.string() + " could not be looked at");
  }
  const std::string hint = "Choose a directory of your own with --socket.";
  if (!S_ISDIR(status.st_mode)) throw refused(directory, "is not a directory", hint);
  if ((status.st_mode & S_ISVTX) != 0) return;  // there, only a file's owner can replace it
  if (status.st_uid != ::geteuid()) throw refused(directory, "is another user's directory", hint);
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw refused(directory, "may be written to by others", "Run `chmod 700` on it.");
  }
}

// Who listens at the path without holding the lock (its file was removed by hand); 0: nobody.
pid_t listening_process(const sockaddr_un& address) {
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) throw_errno("A socket could not be created");
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  // EAGAIN: somebody listens, but too many already wait.
  if (::connect(probe.get(), generic, sizeof(address)) != 0 && errno != EAGAIN) return 0;
  try {
    return peer_credentials(probe.get()).pid;
  } catch (const Error&) {
    return -1;
  }
}

void check_replaceable(const fs::path& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) {
    throw refused(path, "exists and is not a socket", "Remove it, or choose another path.");
  }
}

// Shorter than the usual name, so that it fits where that does.
fs::path temporary_name(const fs::path& path) {
  return directory_of(path) / (".t" + std::to_string(::getpid()));
}

Fd bind_and_listen(const fs::path& path) {
  const sockaddr_un address = socket_address(path);
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) throw_errno("A socket could not be created");
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw_errno("A socket could not be bound to " + path.string());
  }
  if (::chmod(path.c_str(), 0600) != 0 || ::listen(socket.get(), SOMAXCONN) != 0) {
    const int number = errno;
    ::unlink(path.c_str());
    throw system_error(number, "Nobody can listen at " + path.string());
  }
  return socket;
}

}  // namespace

SocketFile::SocketFile(fs::path path) : path_(std::move(path)) {
  const fs::path temporary = temporary_name(path_);
  ::unlink(temporary.c_str());  // of a process with this pid that was killed just here
  fd_ = bind_and_listen(temporary);
  struct stat status {};
  if (::lstat(temporary.c_str(), &status) != 0 || ::rename(temporary.c_str(), path_.c_str()) != 0) {
    const int number = errno;
    ::unlink(temporary.c_str());
    throw system_error(number, "The socket " + path_.string() + " could not be put in its place");
  }
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

SocketFile::~SocketFile() {
  struct stat status {};
  if (fd_.valid() && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
      status.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
}

std::variant<ServiceSocket, AlreadyRunning> ServiceSocket::claim(const fs::path& path) {
  const sockaddr_un address = socket_address(path);
  (void)socket_address(temporary_name(path));
  make_directory(directory_of(path));
  check_directory(directory_of(path));
  auto lock = LockFile::acquire(path.string() + ".lock");
  if (const auto* other = std::get_if<AlreadyRunning>(&lock)) return *other;
  check_replaceable(path);
  if (const pid_t pid = listening_process(address); pid != 0) {
    return AlreadyRunning{pid > 0 ? pid : 0};
  }
  return ServiceSocket(std::get<LockFile>(std::move(lock)), SocketFile(path));
}

}  // namespace tandem::ipc
