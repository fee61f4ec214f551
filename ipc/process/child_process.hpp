// A process of our own: started by exec, watched through its pidfd, gone when its owner is.
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "ipc/fd.hpp"
#include "ipc/process/line_splitter.hpp"

namespace tandem::ipc {

struct SpawnOptions {
  std::filesystem::path program;
  std::vector<std::string> arguments;    // after the program's name
  std::vector<std::string> environment;  // "NAME=value", added to this process's
  // Where the child finds its end of a socket pair, 3 or more; -1: no connection.
  int connection_fd = -1;
  // Called with each line of the child's standard output and error; without it they go where this
  // process's go.
  LineHandler on_line;
};

// How a process ended.
struct ExitStatus {
  std::optional<int> code;  // of its exit()
  int signal = 0;           // that ended it, or 0
  bool core_dumped = false;

  bool exited_by_itself() const { return code.has_value(); }
};

// "exited with status 3", "was ended by SIGSEGV (core dumped)".
std::string describe(const ExitStatus& status);

// Used on the io_context's one thread. Handlers are called by the loop, never after destruction;
// a handler may destroy the object.
class ChildProcess {
 public:
  // The child gets no other descriptor than 0 (/dev/null), 1, 2 and its connection, default signal
  // handling, and a process group of its own: a Ctrl-C at the terminal is for its parent to act
  // on. Throws kMissingFile where the program cannot be executed, kResourceExhausted or kInternal
  // where no process can be made.
  ChildProcess(boost::asio::io_context& io, SpawnOptions options);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // Kills a process that still runs and waits for its end, for kReapWait at the most: a process
  // that the kernel cannot end is left behind.
  ~ChildProcess();

  // Our end of the connection; once.
  Fd take_connection();

  pid_t pid() const;
  // Set once the end was seen.
  const std::optional<ExitStatus>& exit_status() const;

  // Called once, after the last line was handed to on_line.
  void on_exit(std::function<void(const ExitStatus&)> handler);

  // Nothing happens once it has ended. A pid that was given to another process is never hit.
  void kill(int signal);
  // SIGTERM now, SIGKILL if it still runs after `grace`.
  void terminate(std::chrono::milliseconds grace);

  static constexpr std::chrono::seconds kReapWait{2};

 private:
  class Watch;
  std::shared_ptr<Watch> watch_;
};

}  // namespace tandem::ipc
