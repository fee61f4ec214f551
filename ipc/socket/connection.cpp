#include "ipc/socket/connection.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <boost/asio/post.hpp>

namespace tandem::ipc {
namespace {

// After so many frames of one connection the others have their turn.
constexpr int kFramesPerTurn = 32;

}  // namespace

std::shared_ptr<Connection> Connection::create(boost::asio::io_context& io, Fd socket,
                                               FrameFormat format, SendLimits limits) {
  return std::shared_ptr<Connection>(new Connection(io, std::move(socket), format, limits));
}

Connection::Connection(boost::asio::io_context& io, Fd socket, FrameFormat format,
                       SendLimits limits)
    : socket_(io), linger_(io), format_(format), limits_(limits), reader_(format) {
  socket_.assign(socket.get());
  (void)socket.release();
}

void Connection::start(FrameHandler on_frame, ClosedHandler on_closed) {
  if (state_ != State::kOpen) return;
  handlers_ = std::make_shared<const Handlers>(Handlers{std::move(on_frame), std::move(on_closed)});
  wait_readable();
}

void Connection::offer_lane() {
  send_by_socket(port_.offer());
}

void Connection::send(Frame frame) {
  if (state_ != State::kOpen) return;
  if (auto rest = port_.route(std::move(frame))) send_by_socket(std::move(*rest));
}

void Connection::send_by_socket(Frame frame) {
  FrameWriter writer(format_, std::move(frame));
  if (peer_gone_) return;
  const bool too_much = queued_bytes_ + writer.bytes() > limits_.bytes;
  if (!queue_.empty() && (too_much || queue_.size() >= limits_.frames)) {
    drop_queue();
    finish_later(Failure{ErrorCode::kResourceExhausted,
                         "The other side reads too slowly: more than " +
                             std::to_string(limits_.bytes) + " bytes or " +
                             std::to_string(limits_.frames) + " frames wait for it."});
    return;
  }
  enqueue(std::move(writer));
}

void Connection::send_and_close(Frame frame) {
  if (state_ != State::kOpen && state_ != State::kEnding) return;
  FrameWriter writer(format_, std::move(frame));
  handlers_.reset();
  state_ = State::kLingering;
  linger_.expires_after(kLinger);
  // Holds the connection until it has closed, whoever lets go of it.
  linger_.async_wait(
      [self = shared_from_this()](const boost::system::error_code&) { self->close(); });
  enqueue(std::move(writer));
}

void Connection::close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  handlers_.reset();
  drop_queue();
  linger_.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

std::size_t Connection::unread_bytes() {
  int in_kernel = 0;
  const bool known = state_ == State::kOpen &&
                     ::ioctl(socket_.native_handle(), SIOCOUTQ, &in_kernel) == 0 && in_kernel > 0;
  return queued_bytes_ + (known ? static_cast<std::size_t>(in_kernel) : 0);
}

void Connection::wait_readable() {
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [weak = weak_from_this()](const boost::system::error_code& error) {
                       const auto self = weak.lock();
                       if (self && !error) self->read_turn();
                     });
}

void Connection::wait_writable() {
  if (waiting_to_write_) return;
  waiting_to_write_ = true;
  socket_.async_wait(boost::asio::posix::stream_descriptor::wait_write,
                     [weak = weak_from_this()](const boost::system::error_code& error) {
                       const auto self = weak.lock();
                       if (!self || error) return;
                       self->waiting_to_write_ = false;
                       self->flush();
                     });
}

void Connection::read_turn() {
  for (int i = 0; i < kFramesPerTurn && state_ == State::kOpen; ++i) {
    ReadResult result = ReadResult::kNothingYet;
    try {
      result = reader_.read(socket_.native_handle());
      if (result == ReadResult::kFrame) {
        if (auto answer = port_.accept(reader_.take())) send_by_socket(std::move(*answer));
      }
    } catch (const Error& error) {
      return finish(error.failure());
    }
    if (!hand_on()) return;
    if (result == ReadResult::kEnd) return finish(std::nullopt);
    if (result == ReadResult::kNothingYet) {
      if (peer_gone_) return finish(std::nullopt);
      break;
    }
  }
  if (state_ == State::kOpen) wait_readable();
}

// False once the connection has ended.
bool Connection::hand_on() {
  const auto handlers = handlers_;
  while (state_ == State::kOpen) {
    std::optional<Frame> frame;
    try {
      frame = port_.take();
    } catch (const Error& error) {
      finish(error.failure());
      return false;
    }
    if (!frame) return true;
    handlers->on_frame(std::move(*frame));
  }
  return false;
}

void Connection::look() {
  if (state_ == State::kOpen && handlers_ && port_.has_lane()) hand_on();
}

void Connection::fall_asleep() {
  port_.fall_asleep();
  look();
}

void Connection::enqueue(FrameWriter writer) {
  queued_bytes_ += writer.bytes();
  queue_.push_back(std::move(writer));
  if (!waiting_to_write_) flush();
}

void Connection::flush() {
  try {
    while (!queue_.empty()) {
      const WriteResult result = queue_.front().write(socket_.native_handle());
      if (result == WriteResult::kWouldBlock) return wait_writable();
      if (result == WriteResult::kPeerGone) return lose_peer();
      queued_bytes_ -= queue_.front().bytes();
      queue_.pop_front();
    }
  } catch (const Error& error) {
    drop_queue();
    if (state_ == State::kOpen) return finish_later(error.failure());
  }
  if (state_ == State::kLingering) close();
}

// The peer takes nothing any more, but what it said before it went is still to be read.
void Connection::lose_peer() {
  drop_queue();
  if (state_ == State::kLingering) return close();
  peer_gone_ = true;
  boost::asio::post(socket_.get_executor(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && self->handlers_) self->read_turn();
  });
}

void Connection::finish_later(std::optional<Failure> failure) {
  boost::asio::post(socket_.get_executor(),
                    [weak = weak_from_this(), failure = std::move(failure)] {
                      if (const auto self = weak.lock()) self->finish(failure);
                    });
}

void Connection::finish(const std::optional<Failure>& failure) {
  if (state_ != State::kOpen) return;
  state_ = State::kEnding;
  if (const auto handlers = handlers_) handlers->on_closed(failure);
  if (state_ == State::kEnding) close();
}

void Connection::drop_queue() {
  queue_.clear();
  queued_bytes_ = 0;
}

}  // namespace tandem::ipc
