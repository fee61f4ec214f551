// Stands in for tandem-coordinator in tests of the programs that start one: the same options, a
// FakeService behind the socket. `--devices` says how it behaves: "exit:N" before it is ready,
// "crash" once it was, anything else until SIGTERM.
#include <chrono>
#include <csignal>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "ipc/process/die_with_parent.hpp"
#include "ipc/process/signals.hpp"
#include "tests/tools/fake_service.hpp"

int main(int argc, char** argv) {
  using namespace tandem;
  std::string socket, devices;
  int threads = 0, ready_fd = -1;
  bool is_private = false;
  CLI::App app;
  app.add_option("--socket", socket);
  app.add_option("--devices", devices);
  app.add_option("--threads", threads);
  app.add_option("--ready-fd", ready_fd);
  app.add_flag("--private", is_private);
  CLI11_PARSE(app, argc, argv);
  ipc::ignore_sigpipe();
  ipc::note_stop_signals();
  if (is_private) ipc::die_with_parent();
  if (devices.starts_with("exit:")) return std::stoi(devices.substr(5));

  auto claimed = ipc::ServiceSocket::claim(socket);
  if (std::holds_alternative<ipc::AlreadyRunning>(claimed)) return 4;
  // The name is the claimed socket's; a FakeService serves another beside it, moved over it.
  const client::FakeService service(socket);
  static_cast<void>(!::write(ready_fd, "ready\n", 6));
  ::close(ready_fd);
  if (devices == "crash") {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::kill(::getpid(), SIGKILL);
  }
  while (ipc::noted_stop_signal() == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return 0;
}
