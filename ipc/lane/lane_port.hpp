// What a connection does with its frames, where it may have a lane: which way one goes out, and in
// which order those that came are handed on.
#pragma once

#include <optional>

#include "ipc/lane/fast_lane.hpp"
#include "ipc/socket/frame.hpp"

namespace tandem::ipc {

// route() may be called by one thread while another receives; offer() and an accept() of a
// kLaneFrame by no other than the one that may call route().
class LanePort {
 public:
  // Makes a lane; the frame goes through the socket. The lane is in use once the other side
  // answered. Throws kResourceExhausted.
  Frame offer();

  // ---- sending ----

  // What must go through the socket for the frame: nothing, itself, or a kWakeFrame.
  std::optional<Frame> route(Frame frame);

  // ---- receiving ----

  // Takes what came through the socket in; only after take() had nothing more. Where the other
  // side offers a lane, the answer, which goes through the socket at once. Throws kBadFrame,
  // kUnsealedMemory, kOutOfRange.
  std::optional<Frame> accept(Frame frame);
  // What is next for the owner, if it has come. Throws kBadFrame.
  std::optional<Frame> take();

  // Whether take() would have something of the lane.
  bool has_next() { return has_lane() && lane_->has_next(); }

  bool has_lane() const { return lane_ && is_open_; }
  // Without a lane they do nothing. After fall_asleep() one looks once more before one sleeps.
  void stay_awake();
  void fall_asleep();

 private:
  std::optional<FastLane> lane_;
  bool is_open_ = false;  // what the other side sends is marked
  std::optional<Frame> held_;
};

}  // namespace tandem::ipc
