// Frames over a Unix socket for programs that wait: clients and workers.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>

#include "ipc/lane/lane_port.hpp"
#include "ipc/socket/frame.hpp"
#include "ipc/socket/frame_io.hpp"

namespace tandem::ipc {

struct PeerEnded {};
struct TimedOut {};
using Received = std::variant<Frame, PeerEnded, TimedOut>;

// One thread may receive while others send. No call raises SIGPIPE.
class BlockingConnection {
 public:
  // Takes a connected Unix stream socket over.
  BlockingConnection(Fd socket, FrameFormat format);

  // Waits until the whole frame is with the kernel. Throws kNotFound where the peer has gone,
  // kOutOfRange for a frame larger than the format allows.
  void send(Frame frame);

  // Offers the peer a lane of shared memory for small frames; in use once it answered. Of two peers
  // one may. Throws kResourceExhausted, and what send() throws.
  void offer_lane();

  // Before it sleeps, a wait for a frame looks again and again for so long: a thread that sleeps
  // needs some ten microseconds to wake. 0 at first.
  void poll_before_sleep(std::chrono::microseconds time) { polling_ = time; }

  // Waits for a frame; nothing where the peer has ended. Throws what FrameReader::read throws.
  std::optional<Frame> receive();

  // The same, until a moment in time. After TimedOut a later call goes on where this one stopped.
  Received receive_until(std::chrono::steady_clock::time_point deadline);

  // From any thread: makes calls that wait, and later ones, see the peer as gone.
  void shutdown() noexcept;

 private:
  Received next(const std::optional<std::chrono::steady_clock::time_point>& deadline);
  bool sleep(const std::optional<std::chrono::steady_clock::time_point>& deadline);
  void accept(Frame frame);
  void send_by_socket(Frame frame);

  Fd socket_;
  FrameFormat format_;
  FrameReader reader_;
  LanePort port_;
  std::chrono::microseconds polling_{0};
  std::unique_ptr<std::mutex> sending_;  // behind a pointer, so that connections can be moved
};

// Connects to the service at a path, as a host. Throws kNotFound where none listens there or it is
// another user's, kOutOfRange for a path too long for a socket.
BlockingConnection connect(const std::filesystem::path& path);

}  // namespace tandem::ipc
