// The other process in tests of ipc: `ipc_test_helper MODE [ARGUMENT...]`.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <unistd.h>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "ipc/process/child_process.hpp"
#include "ipc/process/die_with_parent.hpp"
#include "ipc/process/pidfd.hpp"
#include "ipc/process/signals.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "ipc/socket/service_socket.hpp"
#include "protocol/error.hpp"

namespace tandem::ipc {
namespace {

using Arguments = std::vector<std::string>;

int echo(const Arguments& arguments) {
  BlockingConnection connection(Fd(std::stoi(arguments.at(0))), FrameFormat::kWorker);
  while (auto frame = connection.receive())
    connection.send(std::move(*frame));
  return 0;
}

int exit_with(const Arguments& arguments) {
  return std::stoi(arguments.at(0));
}

int crash(const Arguments&) {
  std::cerr << "about to crash" << std::endl;
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(SIGABRT, SIG_DFL);
  ::raise(SIGABRT);
  return 0;
}

int write_lines(const Arguments& arguments) {
  for (int i = 0; i < std::stoi(arguments.at(0)); ++i)
    std::cerr << "line " << i << "\n";
  std::cout << "to standard output" << std::endl;
  std::cerr << "without a newline";
  return 0;
}

int sleep_for_ever(const Arguments&) {
  std::cerr << "ready" << std::endl;
  for (;;)
    ::pause();
}

// Its tracer holds it for `milliseconds` after its end, as LeakSanitizer or a debugger may.
int sleep_traced(const Arguments& arguments) {
  ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
  const pid_t traced = ::getpid();
  if (::fork() == 0) {
    if (::ptrace(PTRACE_SEIZE, traced, nullptr, nullptr) != 0) {
      std::cerr << "not permitted" << std::endl;
      ::_exit(1);
    }
    std::cerr << "traced" << std::endl;
    const Fd pidfd(::pidfd_open(traced, 0));
    pollfd end{pidfd.get(), POLLIN, 0};
    ::poll(&end, 1, -1);
    ::usleep(1000 * static_cast<unsigned>(std::stoi(arguments.at(0))));
    ::_exit(0);
  }
  for (;;)
    ::pause();
}

int sleep_through_sigterm(const Arguments& arguments) {
  ignore_signal(SIGTERM);
  return sleep_for_ever(arguments);
}

int list_descriptors(const Arguments&) {
  std::string numbers;
  for (int number = 0; number < 1024; ++number) {
    if (::access(("/proc/self/fd/" + std::to_string(number)).c_str(), F_OK) == 0) {
      numbers += std::to_string(number) + " ";
    }
  }
  std::cerr << numbers << std::endl;
  return 0;
}

int tell(const Arguments& arguments) {
  const char* value = std::getenv(arguments.at(0).c_str());
  struct sigaction pipe {};
  ::sigaction(SIGPIPE, nullptr, &pipe);
  std::cerr << (value == nullptr ? "unset" : value) << "\n"
            << (::getpgrp() == ::getpid() ? "own group" : "other group") << "\n"
            << (pipe.sa_handler == SIG_DFL ? "default" : "ignored") << std::endl;
  return 0;
}

int be_child(const Arguments&) {
  die_with_parent();
  std::cerr << "child " << ::getpid() << std::endl;
  for (;;)
    ::pause();
}

// Starts be_child, tells its pid, and waits to be killed.
int be_parent(const Arguments&) {
  boost::asio::io_context io;
  SpawnOptions options;
  options.program = std::filesystem::read_symlink("/proc/self/exe");
  options.arguments = {"be_child"};
  options.on_line = [](std::string_view line) { std::cerr << line << std::endl; };
  const ChildProcess child(io, std::move(options));
  io.run();
  return 0;
}

// Exits with 4 where another one serves, whose pid it tells.
int claim(const Arguments& arguments) {
  auto claimed = ServiceSocket::claim(arguments.at(0));
  if (const auto* other = std::get_if<AlreadyRunning>(&claimed)) {
    std::cerr << "running " << other->pid << std::endl;
    return 4;
  }
  std::cerr << "claimed " << ::getpid() << std::endl;
  note_stop_signals();
  while (noted_stop_signal() == 0)
    ::usleep(1000);
  return 0;
}

// Connects as another user; 0 where the service closed the connection without a word.
int connect_as(const Arguments& arguments) {
  if (::setuid(static_cast<uid_t>(std::stoul(arguments.at(0)))) != 0) return 2;
  try {
    return connect(arguments.at(1)).receive() ? 1 : 0;
  } catch (const Error& error) {
    std::cerr << error.what() << std::endl;
    return 3;
  }
}

int wait_for_stop(const Arguments&) {
  boost::asio::io_context io;
  StopSignals stop(io, [&io](int signal, int count) {
    std::cerr << "signal " << signal << " count " << count << std::endl;
    if (count == 2) io.stop();
  });
  std::cerr << "ready" << std::endl;
  io.run();
  return 0;
}

int run(const std::string& mode, const Arguments& arguments) {
  const std::map<std::string, std::function<int(const Arguments&)>> modes = {
      {"echo", echo},
      {"exit", exit_with},
      {"crash", crash},
      {"lines", write_lines},
      {"sleep", sleep_for_ever},
      {"sleep_traced", sleep_traced},
      {"sleep_through_sigterm", sleep_through_sigterm},
      {"descriptors", list_descriptors},
      {"tell", tell},
      {"be_child", be_child},
      {"be_parent", be_parent},
      {"claim", claim},
      {"connect_as", connect_as},
      {"wait_for_stop", wait_for_stop},
  };
  return modes.at(mode)(arguments);
}

}  // namespace
}  // namespace tandem::ipc

int main(int argc, char** argv) {
  return tandem::ipc::run(argv[1], {argv + 2, argv + argc});
}
