#include "ipc/process/spawn.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <string_view>
#include <system_error>
#include <unistd.h>

#include "ipc/process/die_with_parent.hpp"
#include "ipc/system_error.hpp"

namespace tandem::ipc {
namespace {

void check(int number, std::string_view what) {
  if (number != 0) throw system_error(number, what);
}

class FileActions {
 public:
  FileActions() { check(::posix_spawn_file_actions_init(&actions_), kWhat); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }

  void open_null(int to) {
    check(::posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", O_RDONLY, 0), kWhat);
  }
  void duplicate(int from, int to) {
    check(::posix_spawn_file_actions_adddup2(&actions_, from, to), kWhat);
  }
  // Also those that somebody in this process, or before it, forgot to mark close-on-exec.
  void close_all_but(int kept) {
    for (int number = STDERR_FILENO + 1; number < kept; ++number) {
      check(::posix_spawn_file_actions_addclose(&actions_, number), kWhat);
    }
    const int above = std::max(kept, STDERR_FILENO) + 1;
    check(::posix_spawn_file_actions_addclosefrom_np(&actions_, above), kWhat);
  }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  static constexpr std::string_view kWhat = "A process could not be prepared";
  posix_spawn_file_actions_t actions_{};
};

// A process group of its own, no blocked signal, and default handling of all that a parent may
// ignore: ignored signals stay ignored through exec.
class Attributes {
 public:
  Attributes() {
    check(::posix_spawnattr_init(&attributes_), "A process could not be prepared");
    sigset_t none;
    sigset_t reset;
    sigemptyset(&none);
    sigemptyset(&reset);
    for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD}) {
      sigaddset(&reset, number);
    }
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &reset);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

std::string_view variable_name(std::string_view assignment) {
  return assignment.substr(0, assignment.find('='));
}

std::vector<std::string> child_environment(const std::vector<std::string>& added) {
  std::vector<std::string> environment = added;
  environment.push_back(std::string(kParentVariable) + "=" + std::to_string(::getpid()));
  const std::size_t own = environment.size();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const auto same_name = [name = variable_name(*entry)](const std::string& other) {
      return variable_name(other) == name;
    };
    const auto end = environment.begin() + static_cast<std::ptrdiff_t>(own);
    if (std::none_of(environment.begin(), end, same_name)) environment.emplace_back(*entry);
  }
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  result.reserve(strings.size() + 1);
  for (std::string& string : strings)
    result.push_back(string.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

pid_t spawn(const SpawnRequest& request) {
  FileActions actions;
  actions.open_null(STDIN_FILENO);
  // Numbers above all targets: no duplication below can overwrite the source of a later one.
  const int least = std::max(request.connection_fd, STDERR_FILENO) + 1;
  Fd output;
  Fd connection;
  if (request.output != nullptr) {
    output = request.output->duplicate(least);
    actions.duplicate(output.get(), STDOUT_FILENO);
    actions.duplicate(output.get(), STDERR_FILENO);
  }
  if (request.connection != nullptr) {
    connection = request.connection->duplicate(least);
    actions.duplicate(connection.get(), request.connection_fd);
  }
  actions.close_all_but(request.connection_fd);

  std::vector<std::string> arguments{request.program.string()};
  arguments.insert(arguments.end(), request.arguments.begin(), request.arguments.end());
  std::vector<std::string> environment = child_environment(request.environment);
  const Attributes attributes;
  pid_t pid = 0;
  const int number = ::posix_spawn(&pid, request.program.c_str(), actions.get(), attributes.get(),
                                   pointers(arguments).data(), pointers(environment).data());
  if (number == ENOENT || number == EACCES || number == ENOEXEC || number == ENOTDIR) {
    throw Error(ErrorCode::kMissingFile,
                "The program " + request.program.string() +
                    " cannot be executed: " + std::generic_category().message(number) + ".",
                {}, request.program.string());
  }
  check(number, "The program " + request.program.string() + " could not be started");
  return pid;
}

}  // namespace tandem::ipc
