// `tandem up` in the background: this program once more, in a session of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "ipc/fd.hpp"

namespace tandem::client {

inline constexpr int kDaemonReadyFd = 3;  // where the daemon finds the pipe to write to once ready

// $XDG_STATE_HOME/tandem/tandem.log, else below ~/.local/state. Makes the folder; a log above 4 MiB
// is kept as tandem.log.1 and begun anew. Throws kMissingFile where no folder can be made.
std::filesystem::path prepare_log();

class Daemon {
 public:
  // Starts this program with the arguments, by exec alone: session of its own, folder /, standard
  // input from /dev/null, output and error appended to the log. Throws kResourceExhausted.
  Daemon(const std::vector<std::string>& arguments, const std::filesystem::path& log);

  pid_t pid() const { return pid_; }

  // Waits until it is ready (true) or has ended (false). Throws kCancelled, the daemon told to end,
  // once `should_stop` says so.
  bool wait_ready(const std::function<bool()>& should_stop);

  // Of a daemon that has ended.
  int exit_status() const;

  // What it has logged since its start, the last `max_bytes` of it.
  std::string logged(std::size_t max_bytes = 4096) const;

 private:
  std::filesystem::path log_;
  std::uintmax_t log_start_ = 0;
  pid_t pid_ = 0;
  ipc::Fd ready_;
};

}  // namespace tandem::client
