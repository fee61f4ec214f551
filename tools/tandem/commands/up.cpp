#include <algorithm>
#include <fcntl.h>
#include <iterator>
#include <memory>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "ipc/process/signals.hpp"
#include "tools/tandem/commands/commands.hpp"
#include "tools/tandem/console.hpp"
#include "tools/tandem/daemon.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/launcher.hpp"
#include "tools/tandem/service_options.hpp"

namespace tandem::client {
namespace {

struct Options {
  ServiceOptions service;
  bool is_foreground = false;
  int ready_fd = -1;  // given by the daemon's parent alone
};

// Throws where a service answers already. Whatever does not answer (none, one that is just ending,
// one that starts at the same moment) is left to the service's lock.
void refuse_second_service(const Options& options) {
  std::unique_ptr<Client> running;
  try {
    running = connect(options.service);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) throw;
    return;
  }
  throw ExitError(kAlreadyRunning,
                  {ErrorCode::kQuota,
                   "a service is already running at " + socket_of(options.service).string() +
                       " (pid " + std::to_string(running->service().pid) + ")",
                   "'tandem down' ends it."});
}

void tell_ready(int fd) {
  if (fd < 0) return;
  static_cast<void>(!::write(fd, "\n", 1));
  ::close(fd);
}

int run_in_foreground(const Options& options) {
  // Kept from the coordinator, which would hold the daemon's parent up.
  if (options.ready_fd >= 0) ::fcntl(options.ready_fd, F_SETFD, FD_CLOEXEC);
  const CoordinatorOptions coordinator{.socket = socket_of(options.service),
                                       .workers = options.service.workers};
  return run_launcher(coordinator, [&] {
    print("tandem is up (pid " + std::to_string(::getpid()) + ") at " +
          coordinator.socket.string());
    tell_ready(options.ready_fd);
  });
}

std::vector<std::string> foreground_arguments(const Options& options) {
  std::vector<std::string> arguments = {"up",         "--foreground",
                                        "--ready-fd", std::to_string(kDaemonReadyFd),
                                        "--socket",   socket_of(options.service).string()};
  std::ranges::move(to_arguments(options.service.workers), std::back_inserter(arguments));
  return arguments;
}

int run_in_background(const Options& options) {
  const std::filesystem::path log = prepare_log();
  Daemon daemon(foreground_arguments(options), log);
  if (!daemon.wait_ready([] { return ipc::noted_stop_signal() != 0; })) {
    const int status = daemon.exit_status();
    print_to_stderr(daemon.logged());
    throw ExitError(
        status == kDone ? kFailed : status,
        {ErrorCode::kInternal, "the service did not start", "Its log is " + log.string()});
  }
  print("tandem is up (pid " + std::to_string(daemon.pid()) + ") at " +
        socket_of(options.service).string());
  return kDone;
}

}  // namespace

Action add_up(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_socket_option(app, options->service);
  add_device_options(app, options->service);
  app.add_option("--hook-cache", options->service.workers.hook_cache,
                 "Patched weights that workers keep: min-vram, max-speed or max-speed:MIB")
      ->type_name("MODE");
  app.add_flag("--foreground", options->is_foreground,
               "Stay in this terminal; log to standard error");
  app.add_option("--ready-fd", options->ready_fd)->group("");
  return [options] {
    refuse_second_service(*options);
    return options->is_foreground ? run_in_foreground(*options) : run_in_background(*options);
  };
}

}  // namespace tandem::client
