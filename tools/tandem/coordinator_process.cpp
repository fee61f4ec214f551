#include "tools/tandem/coordinator_process.hpp"

#include <algorithm>
#include <csignal>
#include <iterator>
#include <utility>

#include <boost/asio/buffer.hpp>

namespace tandem::client {
namespace {

constexpr int kReadyFd = 3;

ipc::SpawnOptions spawn_options(const CoordinatorOptions& options) {
  ipc::SpawnOptions spawn{.program = program_folder() / "tandem-coordinator",
                          .arguments = {"--private", "--ready-fd", std::to_string(kReadyFd)},
                          .environment = options.environment,
                          .connection_fd = kReadyFd,
                          .on_line = {}};
  WorkerOptions workers = options.workers;
  // The workers inherit it too.
  const std::string visible = std::exchange(workers.cuda_device, {});
  if (!visible.empty()) spawn.environment.push_back("CUDA_VISIBLE_DEVICES=" + visible);
  spawn.arguments.insert(spawn.arguments.end(), {"--socket", options.socket.string()});
  std::ranges::move(to_arguments(workers), std::back_inserter(spawn.arguments));
  return spawn;
}

}  // namespace

std::vector<std::string> to_arguments(const WorkerOptions& workers) {
  std::vector<std::string> arguments;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) arguments.insert(arguments.end(), {name, value});
  };
  add("--config", workers.config);
  add("--devices", workers.devices);
  add("--threads", workers.threads > 0 ? std::to_string(workers.threads) : "");
  add("--cuda-device", workers.cuda_device);
  add("--cuda-graphs", workers.cuda_graphs);
  add("--busy-wait", workers.busy_wait);
  add("--transport", workers.transport);
  add("--hook-cache", workers.hook_cache);
  add("--budget", workers.budget);
  for (const std::string& plugin : workers.plugins)
    add("--plugin", plugin);
  return arguments;
}

std::filesystem::path program_folder() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

CoordinatorProcess::CoordinatorProcess(boost::asio::io_context& io,
                                       const CoordinatorOptions& options, Handlers handlers)
    : child_(io, spawn_options(options)),
      connection_(io, child_.take_connection().release()),
      handlers_(std::move(handlers)) {
  child_.on_exit([this](const ipc::ExitStatus& status) {
    if (handlers_.on_exit) handlers_.on_exit(status);
  });
  wait_ready();
}

void CoordinatorProcess::wait_ready() {
  connection_.async_read_some(boost::asio::buffer(buffer_),
                              [this](const boost::system::error_code& error, std::size_t count) {
                                // An end without a word is told by its exit; after destruction
                                // `this` is not touched.
                                if (!error && count > 0 && handlers_.on_ready) handlers_.on_ready();
                              });
}

void CoordinatorProcess::terminate(std::chrono::milliseconds grace) {
  if (std::exchange(is_terminating_, true)) {
    child_.kill(SIGTERM);
  } else {
    child_.terminate(grace);
  }
}

}  // namespace tandem::client
