// tandem-worker: computes work units on one device for the coordinator that started it.
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "device_worker/device/device.hpp"
#include "device_worker/session.hpp"
#include "ipc/process/die_with_parent.hpp"
#include "ipc/process/signals.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "plugin/loading/plugin_set.hpp"
#include "protocol/error.hpp"

namespace {

struct Options {
  std::string device = "cpu";
  std::string name;
  int threads = 1;
  int fd = -1;
  std::uint64_t hook_cache_bytes = 0;
  std::vector<std::string> plugins;
};

int work(const Options& options) {
  tandem::ipc::die_with_parent();
  tandem::ipc::ignore_sigpipe();
  tandem::ipc::BlockingConnection connection(tandem::ipc::Fd(options.fd),
                                             tandem::ipc::FrameFormat::kWorker);
  const auto device = tandem::worker::make_device(options.device, options.threads);
  const tandem::PluginSet plugins(options.plugins);
  tandem::worker::Session(connection, *device, options.hook_cache_bytes, plugins).run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Computes work units on one device. Started by tandem-coordinator, not by hand.");
  app.add_option("--device", options.device, "cpu, or sim@20ms")->required();
  app.add_option("--name", options.name, "the worker's name in messages")->required();
  app.add_option("--threads", options.threads, "threads of a CPU worker")
      ->check(CLI::Range(1, 1024));
  app.add_option("--fd", options.fd, "descriptor of the connection to the coordinator")->required();
  app.add_option("--hook-cache-bytes", options.hook_cache_bytes,
                 "patched weights that a model may keep; 0: those in force");
  app.add_option("--plugin", options.plugins, "a plug-in to load")->allow_extra_args(false);
  CLI11_PARSE(app, argc, argv);
  try {
    return work(options);
  } catch (const tandem::Error& error) {
    std::fprintf(stderr, "%s: %s\n", options.name.c_str(), error.what());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: internal error: %s\n", options.name.c_str(), error.what());
  }
  return 1;
}
