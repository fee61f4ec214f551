#include "coordinator/workers/gpu_slabs.hpp"

#include "ipc/log.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

// Places come again: this many are more than blocks are ever alive.
constexpr std::size_t kMostPlaces = 65536;

std::optional<std::uint64_t> offset_of(const std::optional<ipc::Slot>& slot) {
  if (!slot) return std::nullopt;
  return slot->offset;
}

}  // namespace

GpuSlab::GpuSlab(ipc::CudaCalls& calls, int position, std::size_t bytes)
    : name_("gpu:" + std::to_string(position)),
      slab_(std::make_shared<ipc::Slab>(calls, position, bytes)) {}

std::optional<ipc::Slot> GpuSlab::take(const ArenaSegment& segment) {
  const auto slot = slab_->take(segment.bytes);
  if (!slot && !std::exchange(told_full_, true)) {
    ipc::log(ipc::LogLevel::kWarn, "transport",
             name_ + ": " + std::to_string(segment.bytes) + " bytes do not fit in the " +
                 std::to_string(slab_->size()) +
                 " of GPU memory for tensors; such tensors travel through shared memory");
  }
  return slot;
}

ipc::CudaObject GpuSlab::pin(const ArenaSegment& segment) {
  try {
    return slab_->device().register_host(segment.data, segment.bytes, true);
  } catch (const Error& error) {
    // Another GPU's may have it already, which serves this one too.
    ipc::log(ipc::LogLevel::kDebug, "transport", name_ + ": " + error.what());
    return {};
  }
}

std::optional<std::uint64_t> GpuSlab::inputs_twin(const ArenaSegment& segment) {
  const auto known = inputs_.find(segment.id);
  if (known != inputs_.end()) return offset_of(known->second.slot);
  Twin twin;
  twin.slot = take(segment);
  if (twin.slot) twin.pinned = pin(segment);
  const auto offset = offset_of(twin.slot);
  inputs_.emplace(segment.id, std::move(twin));
  return offset;
}

std::optional<std::uint64_t> GpuSlab::inputs_twin(SegmentId segment) const {
  const auto known = inputs_.find(segment);
  return known == inputs_.end() ? std::nullopt : offset_of(known->second.slot);
}

bool GpuSlab::lacks(const ArenaBlock& block) const {
  const auto known = uploaded_.find({block.segment(), block.offset()});
  return known == uploaded_.end() || known->second != block.generation();
}

void GpuSlab::note_uploaded(const ArenaBlock& block) {
  if (uploaded_.size() >= kMostPlaces) uploaded_.clear();
  uploaded_[{block.segment(), block.offset()}] = block.generation();
}

void GpuSlab::give_up(const std::string& reason) {
  if (!reason_.empty()) return;
  reason_ = reason;
  ipc::log(ipc::LogLevel::kWarn, "transport",
           name_ + ": tensors travel through shared memory from now on: " + reason);
}

std::shared_ptr<GpuSlab> GpuSlabs::open(int position) {
  const auto known = gpus_.find(position);
  if (known != gpus_.end() && known->second->reason().empty()) return known->second;
  const std::string reason = known != gpus_.end() ? known->second->reason() : refused_[position];
  if (!reason.empty()) throw Error(ErrorCode::kUnsupported, reason);
  try {
    return gpus_[position] = std::make_shared<GpuSlab>(calls_(), position, bytes_);
  } catch (const Error& error) {
    gpus_.erase(position);
    refused_[position] = error.what();
    throw;
  }
}

}  // namespace tandem::coordinator
