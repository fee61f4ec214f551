#include "ipc/lane/lane_port.hpp"

#include <utility>

#include "protocol/error.hpp"

namespace tandem::ipc {

Frame LanePort::offer() {
  lane_.emplace(FastLane::create());
  Frame frame{kLaneFrame, {}};
  frame.fds.push_back(lane_->share());
  return frame;
}

std::optional<Frame> LanePort::route(Frame frame) {
  if (!lane_) return frame;
  const Put put = lane_->put(frame);
  if (put == Put::kYes) return std::nullopt;
  lane_->sent_by_socket();
  if (put == Put::kYesWake) return Frame{kWakeFrame, {}};
  return frame;
}

std::optional<Frame> LanePort::accept(Frame frame) {
  if (frame.kind != kLaneFrame) {
    held_ = std::move(frame);
    return std::nullopt;
  }
  if (is_open_ || (lane_ ? !frame.fds.empty() : frame.fds.size() != 1))
    throw Error(ErrorCode::kBadFrame, "A lane was offered or accepted out of turn.");
  is_open_ = true;
  if (lane_) return std::nullopt;
  lane_.emplace(FastLane::attach(std::move(frame.fds.front())));
  return Frame{kLaneFrame, {}};
}

std::optional<Frame> LanePort::take() {
  if (!has_lane()) return std::exchange(held_, std::nullopt);
  for (;;) {
    if (auto frame = lane_->take()) return frame;
    if (!held_) return std::nullopt;
    lane_->took_from_socket();
    Frame frame = *std::exchange(held_, std::nullopt);
    if (frame.kind != kWakeFrame) return frame;
  }
}

void LanePort::stay_awake() {
  if (lane_) lane_->stay_awake();
}

void LanePort::fall_asleep() {
  if (lane_) lane_->fall_asleep();
}

}  // namespace tandem::ipc
