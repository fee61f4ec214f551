#include "ipc/process/child_process.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "ipc/log.hpp"
#include "ipc/process/pidfd.hpp"
#include "ipc/process/spawn.hpp"
#include "ipc/system_error.hpp"

namespace tandem::ipc {
namespace {

// What one turn of the loop reads of a child's output, so that a child that writes without end does
// not keep others waiting.
constexpr int kReadsPerTurn = 16;
constexpr int kReadsAtEnd = 256;  // 1 MiB: more than a pipe holds

// A zombie whose tracer (a debugger, LeakSanitizer) is still attached has a readable pidfd and is
// not ours to reap before the tracer lets go: it is asked for again after this time.
constexpr std::chrono::milliseconds kHeldRetry{2};

using Ends = std::pair<Fd, Fd>;  // ours, the child's

Ends make_socket_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw_errno("A connection to a process could not be made");
  }
  return {Fd(ends[0]), Fd(ends[1])};
}

Ends make_output_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("A pipe could not be made");
  Ends pipe{Fd(ends[0]), Fd(ends[1])};
  // Ours alone: the child must not see its writes fail while we are busy.
  if (::fcntl(pipe.first.get(), F_SETFL, O_NONBLOCK) != 0) throw_errno("A pipe could not be set");
  return pipe;
}

void watch_with(boost::asio::posix::stream_descriptor& watch, Fd fd) {
  watch.assign(fd.get());
  (void)fd.release();
}

ExitStatus to_status(const siginfo_t& info) {
  ExitStatus status;
  if (info.si_code == CLD_EXITED) {
    status.code = info.si_status;
  } else {
    status.signal = info.si_status;
    status.core_dumped = info.si_code == CLD_DUMPED;
  }
  return status;
}

// Nothing while it runs. An empty status where somebody else has reaped it.
std::optional<ExitStatus> reap(int pidfd) {
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return ExitStatus{};
  if (info.si_pid == 0) return std::nullopt;
  return to_status(info);
}

// Waits for the end and reaps. Nothing where it still runs, or is still held by its tracer, after
// `most`.
std::optional<ExitStatus> reap_within(int pidfd, std::chrono::milliseconds most) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + most;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd entry{pidfd, POLLIN, 0};
    ::poll(&entry, 1, static_cast<int>(left.count()));
    if (auto status = reap(pidfd)) return status;
    std::this_thread::sleep_for(kHeldRetry);
  }
}

}  // namespace

std::string describe(const ExitStatus& status) {
  if (status.code) return "exited with status " + std::to_string(*status.code);
  if (status.signal == 0) return "ended, nobody knows how";
  const char* name = ::sigabbrev_np(status.signal);
  const std::string signal =
      name == nullptr ? "signal " + std::to_string(status.signal) : std::string("SIG") + name;
  return "was ended by " + signal + (status.core_dumped ? " (core dumped)" : "");
}

// What the loop's handlers hold on to; the ChildProcess may be gone when they run.
class ChildProcess::Watch : public std::enable_shared_from_this<Watch> {
 public:
  Watch(boost::asio::io_context& io, SpawnOptions options)
      : on_line_(std::move(options.on_line)), pidfd_(io), output_(io), grace_(io), held_(io) {
    Ends connection;
    Ends output;
    SpawnRequest request{std::move(options.program), std::move(options.arguments),
                         std::move(options.environment)};
    if (options.connection_fd >= 0) {
      connection = make_socket_pair();
      request.connection = &connection.second;
      request.connection_fd = options.connection_fd;
    }
    if (on_line_) {
      output = make_output_pipe();
      request.output = &output.second;
    }
    pid_ = spawn(request);
    try {
      watch(std::move(output.first));
    } catch (const std::exception&) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      throw;
    }
    connection_ = std::move(connection.first);
  }

  void start() {
    wait_for_exit();
    if (on_line_) wait_for_output();
  }

  // Ends the process, and all calls of handlers.
  void stop() {
    stopped_ = true;
    grace_.cancel();
    held_.cancel();
    if (!status_) {
      send(SIGKILL);
      if (!reap_within(pidfd_.native_handle(), kReapWait)) {
        log(LogLevel::kError, "process",
            "process " + std::to_string(pid_) + " did not end on SIGKILL and is left behind");
      }
    }
    pidfd_.close();
    output_.close();
  }

  void send(int signal) {
    if (!status_ && pidfd_.is_open()) {
      ::pidfd_send_signal(pidfd_.native_handle(), signal, nullptr, 0);
    }
  }

  void terminate(std::chrono::milliseconds grace) {
    send(SIGTERM);
    grace_.expires_after(grace);
    grace_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (self && !error) self->send(SIGKILL);
    });
  }

  Fd take_connection() { return std::move(connection_); }
  pid_t pid() const { return pid_; }
  const std::optional<ExitStatus>& status() const { return status_; }
  void on_exit(std::function<void(const ExitStatus&)> handler) { on_exit_ = std::move(handler); }

 private:
  void watch(Fd output) {
    // Not yet reaped, so the number is still this child's.
    Fd pidfd(::pidfd_open(pid_, 0));
    if (!pidfd.valid()) throw_errno("A process could not be watched");
    watch_with(pidfd_, std::move(pidfd));
    if (output.valid()) watch_with(output_, std::move(output));
  }

  void wait_for_exit() {
    pidfd_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [weak = weak_from_this()](const boost::system::error_code& error) {
                        const auto self = weak.lock();
                        if (self && !error) self->ended();
                      });
  }

  void ended() {
    if (stopped_) return;
    status_ = reap(pidfd_.native_handle());
    if (!status_) return wait_for_tracer();
    grace_.cancel();
    // All that it wrote is in the pipe by now; who else holds the pipe is not waited for.
    for (int i = 0; i < kReadsAtEnd && !stopped_; ++i) {
      if (!read_output()) break;
    }
    if (!stopped_ && on_line_) lines_.finish(on_line_);
    output_.close();
    if (!stopped_ && on_exit_) on_exit_(*status_);
  }

  void wait_for_tracer() {
    held_.expires_after(kHeldRetry);
    held_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (self && !error) self->ended();
    });
  }

  void wait_for_output() {
    output_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [weak = weak_from_this()](const boost::system::error_code& error) {
                         const auto self = weak.lock();
                         if (self && !error) self->output_turn();
                       });
  }

  void output_turn() {
    for (int i = 0; i < kReadsPerTurn && !stopped_; ++i) {
      if (!read_output()) break;
    }
    if (!stopped_ && output_.is_open()) wait_for_output();
  }

  // False where nothing is there to be read (any more).
  bool read_output() {
    if (!output_.is_open()) return false;
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(output_.native_handle(), buffer.data(), buffer.size());
    if (count > 0) {
      lines_.add({buffer.data(), static_cast<std::size_t>(count)}, on_line_);
      return true;
    }
    if (count < 0 && errno == EINTR) return true;
    if (count == 0 || errno != EAGAIN) output_.close();
    return false;
  }

  LineHandler on_line_;
  std::function<void(const ExitStatus&)> on_exit_;
  boost::asio::posix::stream_descriptor pidfd_;
  boost::asio::posix::stream_descriptor output_;
  boost::asio::steady_timer grace_;
  boost::asio::steady_timer held_;
  LineSplitter lines_;
  Fd connection_;
  pid_t pid_ = 0;
  std::optional<ExitStatus> status_;
  bool stopped_ = false;
};

ChildProcess::ChildProcess(boost::asio::io_context& io, SpawnOptions options)
    : watch_(std::make_shared<Watch>(io, std::move(options))) {
  watch_->start();
}

ChildProcess::~ChildProcess() {
  watch_->stop();
}

Fd ChildProcess::take_connection() {
  return watch_->take_connection();
}

pid_t ChildProcess::pid() const {
  return watch_->pid();
}

const std::optional<ExitStatus>& ChildProcess::exit_status() const {
  return watch_->status();
}

void ChildProcess::on_exit(std::function<void(const ExitStatus&)> handler) {
  watch_->on_exit(std::move(handler));
}

void ChildProcess::kill(int signal) {
  watch_->send(signal);
}

void ChildProcess::terminate(std::chrono::milliseconds grace) {
  watch_->terminate(grace);
}

}  // namespace tandem::ipc
