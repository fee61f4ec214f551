#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <poll.h>

#include <CLI/CLI.hpp>

#include "ipc/fd.hpp"
#include "ipc/process/pidfd.hpp"
#include "ipc/process/signals.hpp"
#include "ipc/system_error.hpp"
#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/console.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/launcher.hpp"
#include "tools/tandem/service_options.hpp"

namespace tandem::client {
namespace {

constexpr std::chrono::seconds kPatience = kShutdownGrace + std::chrono::seconds(5);
constexpr int kPollMilliseconds = 50;

// By its pidfd, so that neither the signal nor the wait can hit a process that got the pid later.
// Not valid where it is gone already.
ipc::Fd open_process(int pid) {
  ipc::Fd fd(::pidfd_open(pid, 0));
  if (!fd.valid() && errno != ESRCH) ipc::throw_errno("the service's process can't be watched");
  return fd;
}

// A coordinator that was started by hand has a shell as its parent, which is no launcher.
bool is_launcher(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
  std::string name;
  return pid > 1 && std::getline(file, name) && name == "tandem";
}

bool has_ended(const ipc::Fd& process, int milliseconds) {
  pollfd waited{process.get(), POLLIN, 0};
  return !process.valid() || ::poll(&waited, 1, milliseconds) > 0;
}

void wait_end(const ipc::Fd& process, std::chrono::steady_clock::time_point deadline) {
  while (!has_ended(process, kPollMilliseconds)) {
    if (ipc::noted_stop_signal() != 0) throw Error(ErrorCode::kCancelled, "interrupted");
    if (std::chrono::steady_clock::now() < deadline) continue;
    throw Error(ErrorCode::kResourceExhausted,
                "the service has not ended in time; it is still ending",
                "'tandem down' once more makes it hurry.");
  }
}

void terminate(const ipc::Fd& process) {
  if (!process.valid()) return;
  const int status = ::pidfd_send_signal(process.get(), SIGTERM, nullptr, 0);
  if (status != 0 && errno != ESRCH) ipc::throw_errno("the service can't be told to end");
}

int run(const ServiceOptions& options) {
  const ServiceInfo service = connect(options)->service();
  if (service.pid <= 0) {
    throw Error(ErrorCode::kUnsupported, "the service does not tell its pid", "End it by hand.");
  }
  const ipc::Fd coordinator = open_process(service.pid);
  const int parent = is_launcher(service.launcher_pid) ? service.launcher_pid : service.pid;
  const ipc::Fd told = open_process(parent);
  terminate(told);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  wait_end(told, deadline);
  wait_end(coordinator, deadline);
  print("tandem is down (pid " + std::to_string(parent) + ")");
  return kDone;
}

}  // namespace

Action add_down(CLI::App& app) {
  const auto options = std::make_shared<ServiceOptions>();
  add_socket_option(app, *options);
  return [options] { return run(*options); };
}

}  // namespace tandem::client
