// A library for LD_PRELOAD: every message that a worker sends waits for a random time first, so
// that answers come in another order than without it. Other programs send as ever.
//
// TANDEM_TEST_DELAY_SEED  the seed; each worker, by its name, has waits of its own
// TANDEM_TEST_DELAY_MS    the longest wait
// TANDEM_TEST_DELAY_LOG   a file that gets a line "worker wait" for each message
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <iterator>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <sys/socket.h>
#include <thread>

namespace {

// What follows --name on this process's command line.
std::string worker_name() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string line((std::istreambuf_iterator<char>(file)), {});
  const std::string option = std::string("\0--name\0", 8);
  const std::size_t found = line.find(option);
  return found == std::string::npos ? "" : std::string(line.c_str() + found + option.size());
}

class Delays {
 public:
  Delays()
      : name_(worker_name()),
        random_(seed() + std::accumulate(name_.begin(), name_.end(), 0U)),
        waits_(0, static_cast<int>(std::strtol(setting("TANDEM_TEST_DELAY_MS"), nullptr, 10))),
        log_(setting("TANDEM_TEST_DELAY_LOG"), std::ios::app) {}

  void wait() {
    const int milliseconds = waits_(random_);
    log_ << name_ + " " + std::to_string(milliseconds) + "\n" << std::flush;
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  }

 private:
  static const char* setting(const char* variable) {
    const char* value = std::getenv(variable);
    return value == nullptr ? "" : value;
  }
  static unsigned seed() {
    return static_cast<unsigned>(std::strtoul(setting("TANDEM_TEST_DELAY_SEED"), nullptr, 10));
  }

  std::string name_;
  std::mt19937 random_;
  std::uniform_int_distribution<int> waits_;
  std::ofstream log_;
};

bool is_worker() {
  return std::strcmp(program_invocation_short_name, "tandem-worker") == 0;
}

}  // namespace

extern "C" ssize_t sendmsg(int socket, const msghdr* message, int flags) {
  using Send = ssize_t (*)(int, const msghdr*, int);
  static const auto next = reinterpret_cast<Send>(::dlsym(RTLD_NEXT, "sendmsg"));
  static std::optional<Delays> delays =
      is_worker() ? std::optional<Delays>(std::in_place) : std::nullopt;
  if (delays) delays->wait();
  return next(socket, message, flags);
}
