#include "ipc/socket/listener.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "ipc/log.hpp"
#include "ipc/system_error.hpp"

namespace tandem::ipc {
namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr std::chrono::milliseconds kPauseWithoutFds{100};

Fd open_spare() {
  return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

class Listener::Loop : public std::enable_shared_from_this<Loop> {
 public:
  Loop(boost::asio::io_context& io, ServiceSocket socket, std::vector<uid_t> also_allowed,
       AcceptHandler on_accept)
      : socket_(std::move(socket)),
        also_allowed_(std::move(also_allowed)),
        on_accept_(std::move(on_accept)),
        watch_(io),
        pause_(io),
        spare_(open_spare()) {
    // A descriptor of its own: the watch closes what it watches.
    Fd watched(::fcntl(socket_.get(), F_DUPFD_CLOEXEC, 0));
    if (!watched.valid()) throw_errno("A listening socket could not be watched");
    watch_.assign(watched.get());
    (void)watched.release();
  }

  void wait() {
    watch_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [weak = weak_from_this()](const boost::system::error_code& error) {
                        const auto self = weak.lock();
                        if (self && !error) self->accept_turn();
                      });
  }

  void stop() {
    stopped_ = true;
    watch_.close();
    pause_.cancel();
  }

 private:
  void accept_turn() {
    for (int i = 0; i < kAcceptsPerTurn && !stopped_; ++i) {
      Fd peer(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (peer.valid()) {
        admit(std::move(peer));
        continue;
      }
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      if (!shed(errno)) return pause();
    }
    if (!stopped_) wait();
  }

  void admit(Fd peer) {
    shedding_ = false;
    PeerCredentials credentials;
    try {
      credentials = peer_credentials(peer.get());
    } catch (const Error& error) {
      return log(LogLevel::kWarn, "listener", error.what());
    }
    const bool allowed = credentials.uid == ::geteuid() ||
                         std::find(also_allowed_.begin(), also_allowed_.end(), credentials.uid) !=
                             also_allowed_.end();
    if (!allowed) {
      return log(LogLevel::kWarn, "listener",
                 "refused a connection of user " + std::to_string(credentials.uid));
    }
    on_accept_(std::move(peer), credentials);
  }

  // Gives the spare descriptor to the connection that waits and closes it: its peer learns at once
  // that it is not served, and the loop does not spin on a connection that it cannot take.
  bool shed(int number) {
    if (!std::exchange(shedding_, true)) {
      log(LogLevel::kError, "listener",
          system_error(number, "connections are closed: they could not be accepted").what());
    }
    if ((number != EMFILE && number != ENFILE) || !spare_.valid()) return false;
    spare_.reset();
    Fd(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
    spare_ = open_spare();
    return true;
  }

  void pause() {
    if (!spare_.valid()) spare_ = open_spare();
    pause_.expires_after(kPauseWithoutFds);
    pause_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (self && !error) self->wait();
    });
  }

  ServiceSocket socket_;
  std::vector<uid_t> also_allowed_;
  AcceptHandler on_accept_;
  boost::asio::posix::stream_descriptor watch_;
  boost::asio::steady_timer pause_;
  Fd spare_;
  bool shedding_ = false;
  bool stopped_ = false;
};

Listener::Listener(boost::asio::io_context& io, ServiceSocket socket,
                   std::vector<uid_t> also_allowed, AcceptHandler on_accept)
    : loop_(std::make_shared<Loop>(io, std::move(socket), std::move(also_allowed),
                                   std::move(on_accept))) {
  loop_->wait();
}

Listener::~Listener() {
  loop_->stop();
}

}  // namespace tandem::ipc
