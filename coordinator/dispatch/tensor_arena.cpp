#include "coordinator/dispatch/tensor_arena.hpp"

#include <algorithm>
#include <atomic>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

// Over all arenas of the process: a worker maps segments of several.
SegmentId next_segment_id() {
  static std::atomic<std::uint64_t> next = 1;
  return SegmentId{next++};
}

constexpr std::size_t kPage = 4096;

std::size_t round_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

}  // namespace

struct ArenaBlock::State {
  struct Segment {
    SegmentId id;
    ipc::SharedSegment memory;
    ipc::SlotPool pool;
  };

  ArenaLimits limits;
  mutable std::mutex mutex;
  std::vector<std::unique_ptr<Segment>> segments;
  std::size_t total_bytes = 0;
  std::size_t in_use = 0;

  // The index of a segment with room, and the room.
  std::optional<std::pair<std::size_t, ipc::Slot>> find_room(std::size_t bytes) {
    for (std::size_t i = 0; i < segments.size(); ++i) {
      if (auto slot = segments[i]->pool.allocate(bytes)) return std::pair(i, *slot);
    }
    return std::nullopt;
  }

  void add_segment(std::size_t bytes) {
    const std::size_t size = round_up(std::max(bytes, limits.segment_bytes), kPage);
    if (size > limits.total_bytes - total_bytes) {
      Failure failure{ErrorCode::kResourceExhausted, "The shared memory for tensors is used up."};
      failure.hint = "Fewer jobs at once, smaller latents or smaller batches need less.";
      failure.needed_bytes = size;
      failure.free_bytes = limits.total_bytes - total_bytes;
      throw Error(std::move(failure));
    }
    auto memory = ipc::SharedSegment::create("tandem-tensors", size);
    segments.push_back(
        std::make_unique<Segment>(next_segment_id(), std::move(memory), ipc::SlotPool(size)));
    total_bytes += size;
  }
};

ArenaBlock::~ArenaBlock() {
  const std::lock_guard lock(state_->mutex);
  state_->in_use -= bytes_;
  (void)state_->segments[index_]->pool.release(slot_);
}

TensorArena::TensorArena(ArenaLimits limits) : state_(std::make_shared<ArenaBlock::State>()) {
  state_->limits = limits;
}

std::shared_ptr<ArenaBlock> TensorArena::allocate(std::size_t bytes) {
  const std::lock_guard lock(state_->mutex);
  auto room = state_->find_room(bytes);
  if (!room) {
    state_->add_segment(bytes);
    room = state_->find_room(bytes);
  }
  auto& segment = *state_->segments[room->first];
  // Not make_shared: the constructor is the arena's alone.
  std::shared_ptr<ArenaBlock> block(new ArenaBlock);
  block->state_ = state_;
  block->index_ = room->first;
  block->slot_ = room->second;
  block->segment_ = segment.id;
  block->offset_ = room->second.offset;
  block->bytes_ = bytes;
  block->data_ = segment.memory.writable_bytes().data() + room->second.offset;
  state_->in_use += bytes;
  return block;
}

std::vector<ArenaSegment> TensorArena::segments_from(std::size_t position) const {
  const std::lock_guard lock(state_->mutex);
  std::vector<ArenaSegment> segments;
  for (std::size_t i = position; i < state_->segments.size(); ++i) {
    const ipc::SharedSegment& memory = state_->segments[i]->memory;
    segments.push_back({state_->segments[i]->id, memory.size(), memory.writable_bytes().data()});
  }
  return segments;
}

ipc::Fd TensorArena::share(SegmentId segment, bool writable) const {
  const std::lock_guard lock(state_->mutex);
  const auto it =
      std::ranges::find_if(state_->segments, [&](const auto& s) { return s->id == segment; });
  if (it == state_->segments.end())
    throw Error(ErrorCode::kInternal, "An unknown segment was to be shared.");
  return writable ? (*it)->memory.share() : (*it)->memory.share_read_only();
}

std::size_t TensorArena::bytes_in_use() const {
  const std::lock_guard lock(state_->mutex);
  return state_->in_use;
}

}  // namespace tandem::coordinator
