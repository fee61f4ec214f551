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

struct CoordinatorOptions {
  std::filesystem::path socket;
  std::string devices;                        // LIST; empty: default_devices()
  int threads = 0;                            // per CPU worker; 0: the coordinator's choice
  std::string hook_cache = {};                // --hook-cache; empty: the coordinator's choice
  std::string budget = {};                    // LIST of --budget; empty: no limit
  std::vector<std::string> plugins = {};      // files, absolute
  std::vector<std::string> environment = {};  // "NAME=value"
};

// "cpu:2", or "cpu:1" on a single core.
std::string default_devices();

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
