#include "ipc/socket/blocking_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/busy_wait.hpp"
#include "ipc/socket/peer.hpp"
#include "ipc/socket/socket_path.hpp"
#include "ipc/system_error.hpp"

namespace tandem::ipc {
namespace {

using Clock = std::chrono::steady_clock;

// In milliseconds, rounded up, so that a wait never ends early and spins; -1: for ever.
int poll_timeout(const std::optional<Clock::time_point>& deadline) {
  if (!deadline) return -1;
  const auto now = Clock::now();
  if (*deadline <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - now).count();
  return static_cast<int>(std::min<long long>(left, std::numeric_limits<int>::max()));
}

// False where the deadline passed first.
bool wait_for(const Fd& socket, short events, const std::optional<Clock::time_point>& deadline) {
  for (;;) {
    pollfd entry{socket.get(), events, 0};
    const int ready = ::poll(&entry, 1, poll_timeout(deadline));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) throw_errno("A connection could not be waited for");
    if (deadline && Clock::now() >= *deadline) return false;
  }
}

// Between two reads of a socket a lane is looked at so often, which takes some microseconds.
constexpr int kLooksPerRead = 64;

Error no_service(const std::filesystem::path& path, const std::string& why) {
  return Error(ErrorCode::kNotFound, "There is no service at " + path.string() + ": " + why + ".",
               "Start one with `tandem up`.", path.string());
}

// Another user could have put a socket where ours was expected (below /tmp, say).
void check_service_user(const Fd& socket, const std::filesystem::path& path) {
  const uid_t self = ::geteuid();
  const uid_t service = peer_credentials(socket.get()).uid;
  if (service != self && service != 0 && self != 0) {
    throw no_service(path, "the process that listens there is another user's");
  }
}

}  // namespace

BlockingConnection::BlockingConnection(Fd socket, FrameFormat format)
    : socket_(std::move(socket)),
      format_(format),
      reader_(format),
      sending_(std::make_unique<std::mutex>()) {}

void BlockingConnection::offer_lane() {
  const std::lock_guard lock(*sending_);
  send_by_socket(port_.offer());
}

void BlockingConnection::send(Frame frame) {
  const std::lock_guard lock(*sending_);
  if (auto rest = port_.route(std::move(frame))) send_by_socket(std::move(*rest));
}

void BlockingConnection::send_by_socket(Frame frame) {
  FrameWriter writer(format_, std::move(frame));
  for (;;) {
    switch (writer.write(socket_.get())) {
      case WriteResult::kDone:
        return;
      case WriteResult::kWouldBlock:
        wait_for(socket_, POLLOUT, std::nullopt);
        break;
      case WriteResult::kPeerGone:
        throw Error(ErrorCode::kNotFound, "The other side has closed the connection.");
    }
  }
}

std::optional<Frame> BlockingConnection::receive() {
  Received received = next(std::nullopt);
  if (auto* frame = std::get_if<Frame>(&received)) return std::move(*frame);
  return std::nullopt;
}

Received BlockingConnection::receive_until(Clock::time_point deadline) {
  return next(deadline);
}

// A frame of the socket waits in the port for those of the lane that were sent before it.
Received BlockingConnection::next(const std::optional<Clock::time_point>& deadline) {
  auto sleep_from = Clock::now() + polling_;
  if (deadline) sleep_from = std::min(sleep_from, *deadline);
  for (int looks = 0;; ++looks) {
    if (auto frame = port_.take()) return std::move(*frame);
    if (port_.has_lane() && looks % kLooksPerRead != 0) {
      relax_core();
      continue;
    }
    switch (reader_.read(socket_.get())) {
      case ReadResult::kFrame:
        accept(reader_.take());
        break;
      case ReadResult::kEnd:
        if (auto frame = port_.take()) return std::move(*frame);
        return PeerEnded{};
      case ReadResult::kNothingYet:
        if (Clock::now() < sleep_from) break;
        if (!sleep(deadline)) return TimedOut{};
        looks = -1;
    }
  }
}

// False where the deadline passed first. What came through the lane before the peer could see that
// this side sleeps is not waited for.
bool BlockingConnection::sleep(const std::optional<Clock::time_point>& deadline) {
  port_.fall_asleep();
  const bool came = port_.has_next() || wait_for(socket_, POLLIN, deadline);
  port_.stay_awake();
  return came;
}

void BlockingConnection::accept(Frame frame) {
  if (frame.kind != kLaneFrame || format_ == FrameFormat::kHost) {
    port_.accept(std::move(frame));
    return;
  }
  const std::lock_guard lock(*sending_);
  if (auto answer = port_.accept(std::move(frame))) send_by_socket(std::move(*answer));
  port_.stay_awake();
}

void BlockingConnection::shutdown() noexcept {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

BlockingConnection connect(const std::filesystem::path& path) {
  const sockaddr_un address = socket_address(path);
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) throw_errno("A socket could not be created");
  int result = 0;
  do {
    result = ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  } while (result != 0 && errno == EINTR);
  if (result != 0) {
    switch (errno) {
      case ENOENT:
      case ENOTDIR:
        throw no_service(path, "there is no such socket");
      case ECONNREFUSED:
        throw no_service(path, "nobody listens there");
      case EACCES:
      case EPERM:
        throw no_service(path, "the socket is another user's");
      default:
        throw_errno("The service at " + path.string() + " could not be reached");
    }
  }
  check_service_user(socket, path);
  return {std::move(socket), FrameFormat::kHost};
}

}  // namespace tandem::ipc
