#include "tools/tandem/private_service.hpp"

#include <cerrno>
#include <cstdlib>
#include <sys/un.h>
#include <system_error>
#include <vector>

#include "protocol/error.hpp"
#include "tools/tandem/exit_status.hpp"

namespace tandem::client {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// How often a waiting loop asks whether a signal came.
constexpr std::chrono::milliseconds kSlice{50};

// Longer runtime folders leave no room for the socket's name.
constexpr std::size_t kMaxFolderBytes = sizeof(sockaddr_un::sun_path) - 40;

std::vector<std::string> candidates() {
  std::vector<std::string> folders;
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/' && std::string_view(runtime).size() < kMaxFolderBytes) {
    folders.emplace_back(runtime);
  }
  folders.emplace_back("/tmp");
  return folders;
}

// Its log would stand between the lines of progress; warnings and errors are worth that.
std::vector<std::string> quiet_environment() {
  if (std::getenv("TANDEM_LOG") != nullptr) return {};
  return {"TANDEM_LOG=warn"};
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  int error = 0;
  for (const std::string& parent : candidates()) {
    std::string name = parent + "/tandem-run-XXXXXX";
    if (::mkdtemp(name.data()) != nullptr) {
      path_ = name;
      return;
    }
    error = errno;
  }
  throw Error(ErrorCode::kResourceExhausted, "no temporary folder for a private service: " +
                                                 std::generic_category().message(error));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

PrivateService::PrivateService(const WorkerOptions& workers,
                               const std::function<bool()>& should_stop) {
  const CoordinatorOptions options{
      .socket = socket(), .workers = workers, .environment = quiet_environment()};
  coordinator_ = std::make_unique<CoordinatorProcess>(
      io_, options,
      CoordinatorProcess::Handlers{
          .on_ready = [this] { is_ready_ = true; },
          .on_exit = [this](const ipc::ExitStatus& status) { exit_ = status; }});
  try {
    wait_ready(should_stop);
  } catch (...) {
    stop();
    throw;
  }
}

PrivateService::~PrivateService() {
  stop();
}

void PrivateService::wait_ready(const std::function<bool()>& should_stop) {
  const Clock::time_point deadline = Clock::now() + kStartTime;
  while (!is_ready_ && !exit_) {
    io_.run_one_for(kSlice);
    if (should_stop()) throw Error(ErrorCode::kCancelled, "interrupted");
    if (Clock::now() < deadline) continue;
    throw Error(ErrorCode::kResourceExhausted, "the private service was not ready in time");
  }
  if (is_ready_) return;
  throw ExitError(exit_->code.value_or(kFailed),
                  {ErrorCode::kInternal, "The private service did not start: tandem-coordinator " +
                                             ipc::describe(*exit_) + "."});
}

void PrivateService::stop() {
  if (!exit_) coordinator_->terminate(kGrace);
  while (!exit_ && !io_.stopped())
    io_.run_one();
}

}  // namespace tandem::client
