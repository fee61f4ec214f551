#include "ipc/lane/fast_lane.hpp"

#include <utility>

#include "protocol/error.hpp"

namespace tandem::ipc {
namespace {

constexpr std::size_t kBytes = 2 * sizeof(RingMemory);

// The memory is zeroed, which is what an empty ring looks like.
RingMemory& ring(const SharedSegment& memory, int index) {
  return reinterpret_cast<RingMemory*>(memory.writable_bytes().data())[index];
}

}  // namespace

FastLane::FastLane(SharedSegment memory, bool is_maker)
    : memory_(std::move(memory)),
      writer_(ring(memory_, is_maker ? 0 : 1)),
      reader_(ring(memory_, is_maker ? 1 : 0)) {}

FastLane FastLane::create() {
  return {SharedSegment::create("tandem-lane", kBytes), true};
}

FastLane FastLane::attach(Fd fd) {
  SharedSegment memory = SharedSegment::attach(std::move(fd), kBytes);
  if (memory.size() != kBytes) throw Error(ErrorCode::kBadFrame, "A lane has another size.");
  return {std::move(memory), false};
}

Put FastLane::put(const Frame& frame) {
  if (!frame.fds.empty()) return Put::kNo;
  return writer_.put(frame.kind, sent_by_socket_, frame.body);
}

bool FastLane::has_next() {
  const auto place = reader_.next_place();
  if (!place || *place > taken_from_socket_) return false;
  if (*place == taken_from_socket_) return true;
  throw Error(ErrorCode::kBadFrame, "A frame in shared memory was to come earlier.");
}

std::optional<Frame> FastLane::take() {
  if (!has_next()) return std::nullopt;
  RingMessage message = reader_.take();
  return Frame{message.kind, std::move(message.body)};
}

}  // namespace tandem::ipc
