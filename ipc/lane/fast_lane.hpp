// A way beside a connection's socket: small frames go through shared memory while the other side is
// awake, the others through the socket, and all come out in the order in which they were sent.
#pragma once

#include <cstdint>
#include <optional>

#include "ipc/fd.hpp"
#include "ipc/lane/message_ring.hpp"
#include "ipc/memory/shared_segment.hpp"
#include "ipc/socket/frame.hpp"

namespace tandem::ipc {

// Kinds of frames that a connection keeps to itself.
inline constexpr std::uint16_t kLaneFrame = 0xFFFE;  // carries the lane; the answer carries nothing
inline constexpr std::uint16_t kWakeFrame = 0xFFFF;  // has done its work by coming

// One side of it. A frame in a ring is marked with the number of frames that went through the
// socket before it, so that the reader knows which of the two is next.
class FastLane {
 public:
  // By the side that makes it, and by the one that was given share()'s descriptor. attach() throws
  // kUnsealedMemory, kOutOfRange or kBadFrame for memory that can't be a lane.
  static FastLane create();
  static FastLane attach(Fd fd);

  Fd share() const { return memory_.share(); }

  // ---- sending ----

  // Into the ring, where that can be. After kYesWake a kWakeFrame must follow through the socket,
  // after kNo the frame itself.
  Put put(const Frame& frame);
  // A frame, be it a kWakeFrame, was given to the socket.
  void sent_by_socket() { ++sent_by_socket_; }

  // ---- receiving ----

  // Whether the frame that is next came through the ring; that frame. Throw kBadFrame.
  bool has_next();
  std::optional<Frame> take();
  // The next frame of the socket was taken, after all that take() had.
  void took_from_socket() { ++taken_from_socket_; }

  // The other side may count on take() being called; it must send a kWakeFrame.
  void stay_awake() { reader_.stay_awake(); }
  void fall_asleep() { reader_.fall_asleep(); }

 private:
  FastLane(SharedSegment memory, bool is_maker);

  SharedSegment memory_;
  RingWriter writer_;
  RingReader reader_;
  std::uint64_t sent_by_socket_ = 0;
  std::uint64_t taken_from_socket_ = 0;
};

}  // namespace tandem::ipc
