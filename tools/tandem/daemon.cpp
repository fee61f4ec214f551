#include "tools/tandem/daemon.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#include "ipc/system_error.hpp"
#include "protocol/error.hpp"
#include "tools/tandem/exit_status.hpp"

namespace tandem::client {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxLogBytes = std::uintmax_t{4} << 20;
constexpr int kPollMilliseconds = 50;

fs::path state_folder() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return fs::path(state) / "tandem";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return fs::path(home) / ".local/state/tandem";
  return fs::path("/tmp") / ("tandem-" + std::to_string(::getuid()));
}

void check(int number) {
  if (number != 0) throw ipc::system_error(number, "tandem could not be started in the background");
}

class FileActions {
 public:
  FileActions(const fs::path& log, int ready_fd) {
    check(::posix_spawn_file_actions_init(&actions_));
    check(::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0));
    check(::posix_spawn_file_actions_addopen(&actions_, 1, log.c_str(),
                                             O_WRONLY | O_APPEND | O_CREAT, 0600));
    check(::posix_spawn_file_actions_adddup2(&actions_, 1, 2));
    check(::posix_spawn_file_actions_adddup2(&actions_, ready_fd, kDaemonReadyFd));
    // No mount is kept busy by a service's working folder.
    check(::posix_spawn_file_actions_addchdir_np(&actions_, "/"));
  }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

class Attributes {
 public:
  Attributes() {
    check(::posix_spawnattr_init(&attributes_));
    sigset_t none, reset;
    sigemptyset(&none);
    sigemptyset(&reset);
    for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT})
      sigaddset(&reset, number);
    check(::posix_spawnattr_setsigmask(&attributes_, &none));
    check(::posix_spawnattr_setsigdefault(&attributes_, &reset));
    check(::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

pid_t spawn(std::vector<std::string> arguments, const fs::path& log, int ready_fd) {
  const std::string program = fs::read_symlink("/proc/self/exe").string();
  arguments.insert(arguments.begin(), program);
  std::vector<char*> pointers;
  for (std::string& argument : arguments)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const FileActions actions(log, ready_fd);
  const Attributes attributes;
  pid_t pid = 0;
  check(::posix_spawn(&pid, program.c_str(), actions.get(), attributes.get(), pointers.data(),
                      environ));
  return pid;
}

}  // namespace

fs::path prepare_log() {
  const fs::path log = state_folder() / "tandem.log";
  std::error_code error;
  fs::create_directories(log.parent_path(), error);
  if (error) {
    throw Error(
        ErrorCode::kMissingFile,
        "the log's folder " + log.parent_path().string() + " can't be made: " + error.message(),
        "XDG_STATE_HOME names another.", log.parent_path().string());
  }
  const std::uintmax_t size = fs::file_size(log, error);
  if (!error && size > kMaxLogBytes) fs::rename(log, log.string() + ".1", error);
  return log;
}

Daemon::Daemon(const std::vector<std::string>& arguments, const fs::path& log) : log_(log) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(log, error);
  if (!error) log_start_ = size;
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) ipc::throw_errno("no pipe can be made");
  ready_ = ipc::Fd(ends[0]);
  const ipc::Fd writing(ends[1]);
  pid_ = spawn(arguments, log, writing.get());
}

bool Daemon::wait_ready(const std::function<bool()>& should_stop) {
  while (true) {
    if (should_stop()) {
      ::kill(pid_, SIGTERM);
      static_cast<void>(exit_status());
      throw Error(ErrorCode::kCancelled, "interrupted");
    }
    pollfd waited{ready_.get(), POLLIN, 0};
    if (::poll(&waited, 1, kPollMilliseconds) <= 0) continue;
    char byte = 0;
    const ssize_t count = ::read(ready_.get(), &byte, 1);
    if (count >= 0 || errno != EINTR) return count > 0;
  }
}

int Daemon::exit_status() const {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kFailed;
}

std::string Daemon::logged(std::size_t max_bytes) const {
  std::ifstream file(log_, std::ios::binary | std::ios::ate);
  if (!file) return {};
  const auto size = static_cast<std::uintmax_t>(file.tellg());
  const std::uintmax_t begin =
      std::max(std::min(log_start_, size), size > max_bytes ? size - max_bytes : 0);
  std::string text(size - begin, '\0');
  file.seekg(static_cast<std::streamoff>(begin));
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  return text;
}

}  // namespace tandem::client
