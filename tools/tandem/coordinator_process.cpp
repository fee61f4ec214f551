#include "tools/tandem/coordinator_process.hpp"

#include <csignal>
#include <thread>
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
  const auto add = [&](const char* name, std::string value) {
    spawn.arguments.emplace_back(name);
    spawn.arguments.push_back(std::move(value));
  };
  add("--socket", options.socket.string());
  add("--devices", options.devices.empty() ? default_devices() : options.devices);
  if (options.threads > 0) add("--threads", std::to_string(options.threads));
  if (!options.hook_cache.empty()) add("--hook-cache", options.hook_cache);
  if (!options.budget.empty()) add("--budget", options.budget);
  for (const std::string& plugin : options.plugins)
    add("--plugin", plugin);
  return spawn;
}

}  // namespace

std::string default_devices() {
  return std::thread::hardware_concurrency() >= 2 ? "cpu:2" : "cpu:1";
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
