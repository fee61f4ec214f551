// A service for one command: its own socket in its own temporary folder, gone without a trace.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "tools/tandem/coordinator_process.hpp"

namespace tandem::client {

// A new folder of mode 0700 below $XDG_RUNTIME_DIR, or /tmp, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class PrivateService {
 public:
  // Returns once the service accepts. Throws ExitError with the coordinator's own exit status where
  // it ends instead, kResourceExhausted where it takes longer than kStartTime, kCancelled once
  // `should_stop` says so.
  PrivateService(const WorkerOptions& workers, const std::function<bool()>& should_stop);
  PrivateService(const PrivateService&) = delete;
  PrivateService& operator=(const PrivateService&) = delete;
  // Ends the coordinator and waits for it, for kGrace at the most before it is killed.
  ~PrivateService();

  std::filesystem::path socket() const { return folder_.path() / "tandem.sock"; }

  static constexpr std::chrono::seconds kStartTime{60};
  static constexpr std::chrono::seconds kGrace{5};

 private:
  void wait_ready(const std::function<bool()>& should_stop);
  void stop();

  TemporaryFolder folder_;
  boost::asio::io_context io_;
  bool is_ready_ = false;
  std::optional<ipc::ExitStatus> exit_;
  std::unique_ptr<CoordinatorProcess> coordinator_;
};

}  // namespace tandem::client
