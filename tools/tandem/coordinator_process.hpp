// A coordinator that this process started.
#pragma once

#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "ipc/process/child_process.hpp"

namespace tandem::client {

// What workers a service is to have, as the command line says it; empty and 0: not said.
struct WorkerOptions {
  std::string config = {};                // file, absolute; the coordinator's choice
  std::string devices = {};               // LIST; the file's, or the coordinator's choice
  int threads = 0;                        // per CPU worker; the coordinator's choice
  std::string cuda_device = {};           // which GPUs are visible, in which order: "1,0"
  std::string cuda_graphs = {};           // "auto", "off"
  std::string busy_wait = {};             // "auto", "on", "off"
  std::string transport = {};             // "pinned", "cuda-ipc"
  std::string hook_cache = {};            // of `up`: "min-vram", "max-speed:MIB"
  std::string budget = {};                // LIST of --budget; no limit
  std::vector<std::string> plugins = {};  // files, absolute

  bool operator==(const WorkerOptions&) const = default;
};

struct CoordinatorOptions {
  std::filesystem::path socket;
  WorkerOptions workers;
  std::vector<std::string> environment = {};  // "NAME=value"
};

// The command line's words for them, to be given on: "--devices", "cpu:2" ...
std::vector<std::string> to_arguments(const WorkerOptions& workers);

// The folder of this program, where its siblings are.
std::filesystem::path program_folder();

// Used on the loop's one thread. Ends with this object, and with this process.
class CoordinatorProcess {
 public:
  struct Handlers {
    std::function<void()> on_ready;  // its socket accepts
    std::function<void(const ipc::ExitStatus&)> on_exit;
  };

  // Throws kMissingFile where the program is not beside this one, and what ipc::ChildProcess
  // throws.
  CoordinatorProcess(boost::asio::io_context& io, const CoordinatorOptions& options,
                     Handlers handlers);

  pid_t pid() const { return child_.pid(); }

  // SIGTERM, on which it finishes what must be finished; SIGKILL after `grace`. Once more: SIGTERM
  // again, which means haste.
  void terminate(std::chrono::milliseconds grace);

 private:
  void wait_ready();

  ipc::ChildProcess child_;
  boost::asio::posix::stream_descriptor connection_;
  std::array<char, 16> buffer_{};
  Handlers handlers_;
  bool is_terminating_ = false;
};

}  // namespace tandem::client
