// tandem-worker: computes work units on one device for the coordinator that started it.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <CLI/CLI.hpp>

#include "device_worker/device/accelerators/list_accelerators.hpp"
#include "device_worker/device/device.hpp"
#include "device_worker/session.hpp"
#include "ipc/busy_wait.hpp"
#include "ipc/process/die_with_parent.hpp"
#include "ipc/process/signals.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "plugin/loading/plugin_set.hpp"
#include "protocol/error.hpp"

namespace {

struct Options {
  std::string device = "cpu";
  std::string name;
  tandem::worker::DeviceOptions settings;
  int fd = -1;
  bool busy_wait = false;
  std::uint64_t hook_cache_bytes = 0;
  std::vector<std::string> plugins;
};

void work(const Options& options, tandem::ipc::BlockingConnection& connection) {
  const auto files = std::make_shared<tandem::models::AttachedFiles>();
  tandem::worker::DeviceOptions settings = options.settings;
  settings.attached_files = files;
  const auto device = tandem::worker::make_device(options.device, settings);
  const tandem::PluginSet plugins(options.plugins);
  tandem::worker::Session(connection, *device, options.hook_cache_bytes, plugins, *files).run();
}

int status_of_work(const Options& options, tandem::ipc::BlockingConnection& connection) {
  try {
    work(options, connection);
    return 0;
  } catch (const tandem::Error& error) {
    std::fprintf(stderr, "%s: %s %s\n", options.name.c_str(), error.what(),
                 error.failure().hint.c_str());
    return error.code() == tandem::ErrorCode::kNoWorker ? tandem::kExitNoDevice : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: internal error: %s\n", options.name.c_str(), error.what());
    return 1;
  }
}

void list_and_exit() {
  tandem::ipc::die_with_parent();
  tandem::worker::print_accelerators();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Computes work units on one device. Started by tandem-coordinator, not by hand.");
  app.add_option("--device", options.device, "cpu, gpu:0 or sim@20ms")->required();
  app.add_option("--name", options.name, "the worker's name in messages")->required();
  app.add_option("--threads", options.settings.threads, "threads of a CPU worker")
      ->check(CLI::Range(1, 1024));
  app.add_flag("--cuda-graphs,!--no-cuda-graphs", options.settings.cuda_graphs,
               "record the kernels of a GPU worker's networks");
  app.add_flag("--busy-wait", options.busy_wait, "poll for a while before sleeping");
  app.add_option("--fd", options.fd, "descriptor of the connection to the coordinator")->required();
  app.add_option("--hook-cache-bytes", options.hook_cache_bytes,
                 "patched weights that a model may keep; 0: those in force");
  app.add_option("--plugin", options.plugins, "a plug-in to load")->allow_extra_args(false);
  app.add_flag_callback("--list-accelerators", list_and_exit,
                        "print as JSON which accelerators LibTorch has here, and end");
  CLI11_PARSE(app, argc, argv);
  tandem::ipc::die_with_parent();
  tandem::ipc::ignore_sigpipe();
  tandem::ipc::BlockingConnection connection(tandem::ipc::Fd(options.fd),
                                             tandem::ipc::FrameFormat::kWorker);
  if (options.busy_wait) connection.poll_before_sleep(tandem::ipc::kBusyWait);
  const int status = status_of_work(options, connection);
  std::fflush(nullptr);
  // With the connection still open: the coordinator kills a worker that closed it, and LibTorch
  // takes its time to end.
  ::_exit(status);
}
