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

}  // namespace

void add_socket_option(CLI::App& app, ServiceOptions& options) {
  app.add_option("--socket", options.socket, "The service's socket")->type_name("PATH");
}

void add_device_options(CLI::App& app, ServiceOptions& options) {
  app.add_option("--devices", options.devices,
                 "Workers of the service that is started: cpu:2, sim:8@20ms")
      ->type_name("LIST");
  app.add_option("--threads", options.threads,
                 "Threads per CPU worker (cores divided by CPU workers)")
      ->type_name("N")
      ->check(CLI::Range(1, kMaxThreads));
  app.add_option("--budget", options.budget,
                 "Weights that devices may hold: 8GiB, or cpu=8GiB,gpu:0=20GiB (no limit)")
      ->type_name("LIST");
  app.add_option("--plugin", options.plugins, "Plug-in to load; may be given again")
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->check(CLI::ExistingFile)
      ->transform([](const std::string& file) { return std::filesystem::absolute(file).string(); });
}

void add_job_service_options(CLI::App& app, ServiceOptions& options) {
  add_socket_option(app, options);
  add_device_options(app, options);
  CLI::Option* socket = app.get_option("--socket");
  for (const char* other : {"--devices", "--threads", "--budget", "--plugin"})
    socket->excludes(app.get_option(other));
}

CoordinatorOptions coordinator_options(const ServiceOptions& options) {
  return {.socket = socket_of(options),
          .devices = options.devices,
          .threads = options.threads,
          .hook_cache = options.hook_cache,
          .budget = options.budget,
          .plugins = options.plugins};
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
  const bool any_service = options.devices.empty() && options.threads == 0 &&
                           options.budget.empty() && options.plugins.empty();
  if (any_service) {
    try {
      client_ = connect_to(socket_of(options));
      return;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kNotFound) throw;
    }
  }
  private_ = std::make_unique<PrivateService>(coordinator_options(options), is_stopping);
  client_ = connect_to(private_->socket());
}

}  // namespace tandem::client
