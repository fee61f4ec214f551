#include "tools/tandem/launcher.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include "ipc/log.hpp"
#include "ipc/process/signals.hpp"
#include "ipc/socket/service_socket.hpp"
#include "tools/tandem/exit_status.hpp"
#include "tools/tandem/respawn_budget.hpp"

namespace tandem::client {
namespace {

using Clock = std::chrono::steady_clock;

void log(ipc::LogLevel level, const std::string& message) {
  ipc::log(level, "launcher", message);
}

// A coordinator that was killed leaves its socket and its lock. Whoever may claim them may remove
// them; a service that lives is never touched.
void remove_leftovers(const std::filesystem::path& socket) {
  try {
    static_cast<void>(ipc::ServiceSocket::claim(socket));
  } catch (const Error& error) {
    log(ipc::LogLevel::kWarn, error.what());
  }
}

class Launcher {
 public:
  Launcher(const CoordinatorOptions& options, std::function<void()> on_ready)
      : options_(options),
        on_ready_(std::move(on_ready)),
        timer_(io_),
        signals_(io_, [this](int, int) { stop(); }) {}

  int run() {
    start();
    io_.run();
    coordinator_.reset();
    if (!ended_cleanly_) remove_leftovers(options_.socket);
    return status_;
  }

 private:
  void start() {
    born_ = Clock::now();
    coordinator_ = std::make_unique<CoordinatorProcess>(
        io_, options_,
        CoordinatorProcess::Handlers{
            .on_ready = [this] { ready(); },
            .on_exit = [this](const ipc::ExitStatus& status) { exited(status); }});
  }

  void ready() {
    log(ipc::LogLevel::kInfo, "the service is ready, pid " + std::to_string(coordinator_->pid()));
    was_ready_ = true;
    if (on_ready_) std::exchange(on_ready_, {})();
  }

  void exited(const ipc::ExitStatus& status) {
    const int code = status.code.value_or(kFailed);
    // Another service's socket is not ours to clean up.
    ended_cleanly_ = status.code == kDone || status.code == kAlreadyRunning;
    if (is_stopping_ || status.code == kDone) return finish(kDone);
    log(ipc::LogLevel::kError, "the coordinator " + ipc::describe(status));
    if (!was_ready_ || status.code == kAlreadyRunning) return finish(code);
    start_again();
  }

  void start_again() {
    const auto wait = budget_.died(born_, Clock::now());
    if (!wait) {
      log(ipc::LogLevel::kError, "it died too often within a minute: given up");
      return finish(kFailed);
    }
    log(ipc::LogLevel::kWarn, "it is started again in " + std::to_string(wait->count()) + " ms");
    timer_.expires_after(*wait);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error && !is_stopping_) start();
    });
  }

  // A second signal reaches the coordinator too, which then makes haste.
  void stop() {
    is_stopping_ = true;
    if (timer_.cancel() > 0) return finish(kDone);
    coordinator_->terminate(kShutdownGrace);
  }

  void finish(int status) {
    status_ = status;
    io_.stop();
  }

  CoordinatorOptions options_;
  std::function<void()> on_ready_;
  boost::asio::io_context io_;
  boost::asio::steady_timer timer_;
  ipc::StopSignals signals_;
  RespawnBudget budget_;
  Clock::time_point born_;
  std::unique_ptr<CoordinatorProcess> coordinator_;
  bool was_ready_ = false;
  bool is_stopping_ = false;
  bool ended_cleanly_ = false;
  int status_ = kDone;
};

}  // namespace

int run_launcher(const CoordinatorOptions& options, const std::function<void()>& on_ready) {
  return Launcher(options, on_ready).run();
}

}  // namespace tandem::client
