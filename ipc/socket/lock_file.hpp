// The right to be the one service at a path.
#pragma once

#include <filesystem>
#include <sys/types.h>
#include <variant>

#include "ipc/fd.hpp"

namespace tandem::ipc {

// Another process serves; its pid, or 0 where it could not be learnt.
struct AlreadyRunning {
  pid_t pid = 0;
};

// A file with this process's pid, locked (flock) as long as the object lives: the kernel lets go
// of it with the process, however that ends. The file is removed with the object.
class LockFile {
 public:
  // Throws kInternal where the file cannot be made, or is no file of this user.
  static std::variant<LockFile, AlreadyRunning> acquire(const std::filesystem::path& path);

  LockFile(LockFile&&) noexcept = default;
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile();

 private:
  LockFile(std::filesystem::path path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::filesystem::path path_;
  Fd fd_;
};

}  // namespace tandem::ipc
