// tandem-coordinator: the service. Everything it is made of is put together here.
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>

#include "coordinator/config/service_config.hpp"
#include "coordinator/execution/sampling_executor.hpp"
#include "coordinator/service/host_server.hpp"
#include "coordinator/service/job_service.hpp"
#include "coordinator/workers/device_list.hpp"
#include "coordinator/workers/hook_cache.hpp"
#include "ipc/cuda/load_calls.hpp"
#include "ipc/log.hpp"
#include "ipc/process/die_with_parent.hpp"
#include "ipc/process/heap.hpp"
#include "ipc/process/signals.hpp"
#include "ipc/socket/service_socket.hpp"
#include "ipc/socket/socket_path.hpp"
#include "plugin/loading/plugin_set.hpp"
#include "protocol/error.hpp"

namespace {

using namespace tandem;

constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitAlreadyRunning = 4;

struct Options {
  std::string socket;
  std::optional<std::string> config;
  std::string devices;
  std::string budget;
  int threads = 0;
  std::string hook_cache = "max-speed";
  std::string cuda_graphs = "auto";
  std::string busy_wait = "auto";
  std::string transport = "pinned";
  int ready_fd = -1;
  bool die_with_parent = false;
  std::vector<uid_t> allowed_users;
  std::vector<std::string> plugins;
};

// The command line goes before the file.
coordinator::ServiceConfig configured(Options& options) {
  const std::string file = options.config.value_or(coordinator::default_config_file());
  const bool is_there = options.config || (!file.empty() && std::filesystem::exists(file));
  coordinator::ServiceConfig config;
  if (is_there) config = coordinator::read_config(file);
  if (options.devices.empty()) options.devices = config.devices;
  if (options.devices.empty()) {
    options.devices = std::thread::hardware_concurrency() >= 2 ? "cpu:2" : "cpu:1";
  }
  if (options.budget.empty()) options.budget = config.budget;
  return config;
}

coordinator::PoolOptions pool_options(const Options& options) {
  coordinator::PoolOptions pool;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  pool.worker_program = folder / "tandem-worker";
  pool.workers = coordinator::parse_device_list(options.devices);
  pool.busy_waits =
      coordinator::busy_waits(options.busy_wait, pool.workers, std::thread::hardware_concurrency());
  if (!options.budget.empty()) pool.budgets = coordinator::parse_budget_list(options.budget);
  coordinator::check_budgets(pool.budgets, pool.workers);
  pool.cuda_graphs = options.cuda_graphs == "auto";
  if (options.transport == "cuda-ipc") {
    pool.cuda = [folder]() -> ipc::CudaCalls& { return ipc::load_cuda_calls(folder); };
  }
  pool.threads = options.threads > 0 ? options.threads
                                     : coordinator::default_threads(
                                           pool.workers, std::thread::hardware_concurrency());
  pool.hook_cache_bytes = coordinator::parse_hook_cache(options.hook_cache);
  pool.plugins = options.plugins;
  return pool;
}

void tell_ready(int fd) {
  if (fd < 0) return;
  const ssize_t written = ::write(fd, "ready\n", 6);
  if (written != 6)
    ipc::log(ipc::LogLevel::kWarn, "service", "nobody waits for the service to be ready");
  ::close(fd);
}

int serve(Options options) {
  const coordinator::ServiceConfig config = configured(options);
  coordinator::PoolOptions pool = pool_options(options);
  const PluginSet plugins(options.plugins);
  auto claimed = ipc::ServiceSocket::claim(options.socket);
  if (const auto* other = std::get_if<ipc::AlreadyRunning>(&claimed)) {
    std::fprintf(stderr, "tandem: a service is already running (pid %d)\n", other->pid);
    return kExitAlreadyRunning;
  }
  boost::asio::io_context io(1);
  coordinator::SamplingExecutor executor(plugins);
  coordinator::JobService service(io, std::move(pool), executor, HostLimits{},
                                  {config.folders, config.roots});
  coordinator::HostServer server(io, std::move(std::get<ipc::ServiceSocket>(claimed)),
                                 options.allowed_users, service);
  ipc::StopSignals signals(io, [&](int, int count) {
    if (count > 1) ::_exit(kExitFailed);  // workers follow: their connections end
    service.shut_down([&] {
      server.close();
      io.stop();
    });
  });
  tell_ready(options.ready_fd);
  ipc::log(ipc::LogLevel::kInfo, "service", "ready on " + options.socket);
  service.busy_wait().run(io);
  return kExitDone;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  options.socket = tandem::ipc::default_socket_path();
  CLI::App app("The Tandem service. `tandem up` starts it, and starts it again when it dies.");
  app.add_option("--socket", options.socket, "path of the socket that hosts connect to");
  app.add_option("--config", options.config,
                 "configuration file, instead of tandem/config.yaml below XDG_CONFIG_HOME");
  app.add_option("--devices", options.devices, "workers, for instance cpu:2, gpu:0 or sim:8@20ms");
  app.add_option("--budget", options.budget,
                 "bytes of weights that devices may hold, for instance 8GiB or cpu=8GiB");
  app.add_option("--threads", options.threads, "threads per CPU worker")
      ->check(CLI::Range(1, 1024));
  app.add_option("--hook-cache", options.hook_cache,
                 "patched weights that workers keep: min-vram, max-speed or max-speed:MIB");
  app.add_option("--cuda-graphs", options.cuda_graphs, "of GPU workers: auto or off")
      ->check(CLI::IsMember({"auto", "off"}));
  app.add_option("--busy-wait", options.busy_wait, "poll before sleeping: auto, on or off")
      ->check(CLI::IsMember({"auto", "on", "off"}));
  app.add_option("--transport", options.transport, "of GPU workers: pinned or cuda-ipc")
      ->check(CLI::IsMember({"pinned", "cuda-ipc"}));
  app.add_option("--ready-fd", options.ready_fd, "descriptor to write to once the socket accepts");
  app.add_option("--allow-uid", options.allowed_users, "another user who may connect");
  app.add_option("--plugin", options.plugins, "a plug-in to load, here and in every worker")
      ->allow_extra_args(false);
  app.add_flag("--private", options.die_with_parent, "end with the process that started this one");
  CLI11_PARSE(app, argc, argv);
  tandem::ipc::ignore_sigpipe();
  tandem::ipc::keep_freed_memory();
  if (options.die_with_parent) tandem::ipc::die_with_parent();
  try {
    return serve(options);
  } catch (const tandem::Error& error) {
    std::fprintf(stderr, "tandem: %s\n", error.what());
    if (!error.failure().hint.empty())
      std::fprintf(stderr, "hint: %s\n", error.failure().hint.c_str());
    return error.code() == tandem::ErrorCode::kBadRequest ||
                   error.code() == tandem::ErrorCode::kOutOfRange ||
                   error.code() == tandem::ErrorCode::kUnsupported
               ? kExitUsage
               : kExitFailed;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem: internal error: %s\n", error.what());
    return kExitFailed;
  }
}
