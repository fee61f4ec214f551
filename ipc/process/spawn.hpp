// posix_spawn with what Tandem always wants; ChildProcess is built on it.
#pragma once

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

#include "ipc/fd.hpp"

namespace tandem::ipc {

struct SpawnRequest {
  std::filesystem::path program;
  std::vector<std::string> arguments;    // after the program's name
  std::vector<std::string> environment;  // added to this process's
  const Fd* connection = nullptr;        // becomes connection_fd in the child
  int connection_fd = -1;
  const Fd* output = nullptr;  // becomes its standard output and error
};

// Executes the program and gives its pid. The caller reaps it. Throws kMissingFile where it cannot
// be executed, kResourceExhausted or kInternal where no process can be made.
pid_t spawn(const SpawnRequest& request);

}  // namespace tandem::ipc
