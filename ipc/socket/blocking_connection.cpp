#include "ipc/socket/blocking_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

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

Received receive(FrameReader& reader, const Fd& socket,
                 const std::optional<Clock::time_point>& deadline, std::chrono::microseconds spin) {
  const auto sleep_from = Clock::now() + spin;
  for (;;) {
    switch (reader.read(socket.get())) {
      case ReadResult::kFrame:
        return reader.take();
      case ReadResult::kEnd:
        return PeerEnded{};
      case ReadResult::kNothingYet:
        if (Clock::now() < sleep_from) break;
        if (!wait_for(socket, POLLIN, deadline)) return TimedOut{};
    }
  }
}

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

void BlockingConnection::send(Frame frame) {
  FrameWriter writer(format_, std::move(frame));
  const std::lock_guard lock(*sending_);
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
  Received received = ipc::receive(reader_, socket_, std::nullopt, spin_);
  if (auto* frame = std::get_if<Frame>(&received)) return std::move(*frame);
  return std::nullopt;
}

Received BlockingConnection::receive_until(Clock::time_point deadline) {
  return ipc::receive(reader_, socket_, deadline, std::chrono::microseconds(0));
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
