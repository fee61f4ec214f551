#include "tools/tandem/service_options.hpp"

#include <filesystem>

#include <CLI/CLI.hpp>

#include "ipc/process/signals.hpp"
#include "ipc/socket/socket_path.hpp"
#include "tools/tandem/exit_status.hpp"

namespace tandem::client {
namespace {

constexpr int kMaxThreads = 1024;
constexpr const char* kClientName = "tandem";

bool is_stopping() {
  return ipc::noted_stop_signal() != 0;
}

std::unique_ptr<Client> connect_to(const std::filesystem::path& socket) {
  auto client = std::make_unique<Client>(socket.string(), kClientName);
  client->stop_when(is_stopping);
  return client;
}

// ComfyUI's spelling: positions, separated by commas.
std::string check_positions(const std::string& text) {
  const bool is_list = !text.empty() && text.front() != ',' && text.back() != ',' &&
                       text.find(",,") == std::string::npos &&
                       text.find_first_not_of("0123456789,") == std::string::npos;
  return is_list ? "" : "positions of GPUs are numbers separated by commas, as in 1,0";
}

}  // namespace

void add_socket_option(CLI::App& app, ServiceOptions& options) {
  app.add_option("--socket", options.socket, "The service's socket")->type_name("PATH");
}

void add_device_options(CLI::App& app, ServiceOptions& options) {
  WorkerOptions& workers = options.workers;
  app.add_option("--config", workers.config,
                 "Configuration of the service that is started (tandem/config.yaml below "
                 "XDG_CONFIG_HOME)")
      ->type_name("FILE")
      ->check(CLI::ExistingFile)
      ->transform([](const std::string& file) { return std::filesystem::absolute(file).string(); });
  app.add_option("--devices", workers.devices,
                 "Workers of the service that is started: cpu:2, gpu:0,gpu:1, sim:8@20ms")
      ->type_name("LIST");
  app.add_option("--cuda-device", workers.cuda_device,
                 "GPUs that its workers see, in their order: gpu:0 is the first of them")
      ->type_name("1,0")
      ->check(check_positions);
  app.add_option("--cuda-graphs", workers.cuda_graphs,
                 "Whether GPU workers record their networks' kernels")
      ->check(CLI::IsMember({"auto", "off"}));
  app.add_option("--busy-wait", workers.busy_wait,
                 "Poll for some milliseconds before sleeping (auto: where cores are left)")
      ->check(CLI::IsMember({"auto", "on", "off"}));
  app.add_option("--transport", workers.transport,
                 "How tensors travel to GPU workers: shared memory that they pin, or GPU memory "
                 "of the coordinator (pinned)")
      ->check(CLI::IsMember({"pinned", "cuda-ipc"}));
  app.add_option("--threads", workers.threads,
                 "Threads per CPU worker (cores divided by CPU workers)")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxThreads));
  app.add_option("--budget", workers.budget,
                 "Weights that devices may hold: 8GiB, or cpu=8GiB,gpu:0=20GiB (no limit)")
      ->type_name("LIST");
  app.add_option("--plugin", workers.plugins, "Plug-in to load; may be given again")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->check(CLI::ExistingFile)
      ->transform([](const std::string& file) { return std::filesystem::absolute(file).string(); });
}

void add_job_service_options(CLI::App& app, ServiceOptions& options) {
  add_socket_option(app, options);
  add_device_options(app, options);
  CLI::Option* socket = app.get_option("--socket");
  for (const char* name : {"--config", "--devices", "--threads", "--budget", "--plugin",
                           "--cuda-device", "--cuda-graphs", "--busy-wait", "--transport"})
    socket->excludes(app.get_option(name));
}

std::filesystem::path socket_of(const ServiceOptions& options) {
  const std::filesystem::path path =
      options.socket.empty() ? ipc::default_socket_path() : std::filesystem::path(options.socket);
  return std::filesystem::absolute(path).lexically_normal();
}

std::unique_ptr<Client> connect(const ServiceOptions& options) {
  try {
    return connect_to(socket_of(options));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNotFound) throw;
    Failure failure = error.failure();
    failure.hint = "'tandem up' starts a service.";
    throw ExitError(kNoService, std::move(failure));
  }
}

JobService::JobService(const ServiceOptions& options) {
  if (!options.socket.empty()) {
    client_ = connect(options);
    return;
  }
  if (options.workers == WorkerOptions()) {
    try {
      client_ = connect_to(socket_of(options));
      return;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;
    }
  }
  private_ = std::make_unique<PrivateService>(options.workers, is_stopping);
  client_ = connect_to(private_->socket());
}

}  // namespace tandem::client
