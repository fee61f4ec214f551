// Frames over a Unix socket on an event loop: what the coordinator uses.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "ipc/busy_wait.hpp"
#include "ipc/lane/lane_port.hpp"
#include "ipc/socket/frame.hpp"
#include "ipc/socket/frame_io.hpp"
#include "protocol/error.hpp"

namespace tandem::ipc {

// How much may wait for a slow reader. An empty queue takes any frame.
struct SendLimits {
  std::size_t bytes = std::size_t{8} << 20;
  std::size_t frames = 4096;
};

// Used on the io_context's one thread only. Handlers are never called from inside a call to the
// connection, and never after close() or send_and_close(); a handler may destroy the connection.
class Connection : public std::enable_shared_from_this<Connection>, public Polled {
 public:
  using FrameHandler = std::function<void(Frame)>;
  using ClosedHandler = std::function<void(const std::optional<Failure>&)>;

  // Takes a connected Unix stream socket over.
  static std::shared_ptr<Connection> create(boost::asio::io_context& io, Fd socket,
                                            FrameFormat format, SendLimits limits = {});

  // Begins to read. on_closed is called once, when the connection has ended: with nothing where
  // the peer left, with a Failure where its frames were bad (kBadFrame, kUnsupportedVersion), or
  // where it reads too slowly (kResourceExhausted). In on_closed, and only there, send_and_close()
  // still reaches the peer. What a handler throws comes out of io_context::run().
  void start(FrameHandler on_frame, ClosedHandler on_closed);

  // Sends now, or queues. Past the limits the connection ends with kResourceExhausted; on one that
  // ended nothing happens. Throws kOutOfRange for a frame larger than the format allows.
  void send(Frame frame);

  // Stops to read at once, sends what is queued and this frame, closes; a peer that does not read
  // is cut after kLinger.
  void send_and_close(Frame frame);

  void close();

  // For a peer that polls: offers a lane of shared memory, which is in use once it answered. Frames
  // that come through it are found by look(). Throws kResourceExhausted.
  void offer_lane();
  void stay_awake() override { port_.stay_awake(); }
  void look() override;
  void fall_asleep() override;

  bool is_open() const { return state_ == State::kOpen; }
  // What the peer has not taken yet: a sender of things that may be dropped asks first.
  std::size_t queued_bytes() const { return queued_bytes_; }
  // What it has not read yet: besides, what lies in the kernel for it, which is counted with the
  // kernel's own memory for it.
  std::size_t unread_bytes();

  static constexpr std::chrono::seconds kLinger{2};

 private:
  enum class State : std::uint8_t { kOpen, kEnding, kLingering, kClosed };
  struct Handlers {
    FrameHandler on_frame;
    ClosedHandler on_closed;
  };

  Connection(boost::asio::io_context& io, Fd socket, FrameFormat format, SendLimits limits);

  void wait_readable();
  void wait_writable();
  void read_turn();
  bool hand_on();
  void send_by_socket(Frame frame);
  void enqueue(FrameWriter writer);
  void flush();
  void lose_peer();
  void finish_later(std::optional<Failure> failure);
  void finish(const std::optional<Failure>& failure);
  void drop_queue();

  boost::asio::posix::stream_descriptor socket_;
  boost::asio::steady_timer linger_;
  FrameFormat format_;
  SendLimits limits_;
  FrameReader reader_;
  LanePort port_;
  std::deque<FrameWriter> queue_;
  std::size_t queued_bytes_ = 0;
  State state_ = State::kOpen;
  bool waiting_to_write_ = false;
  bool peer_gone_ = false;
  // Shared with the call in progress: a handler that closes the connection outlives that call.
  std::shared_ptr<const Handlers> handlers_;
};

}  // namespace tandem::ipc
