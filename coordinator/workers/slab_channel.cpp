#include "coordinator/workers/slab_channel.hpp"

#include <algorithm>

#include "protocol/error.hpp"

namespace tandem::coordinator {

SlabChannel::SlabChannel(std::shared_ptr<GpuSlab> gpu)
    : gpu_(std::move(gpu)), link_(gpu_->slab()) {}

SlabChannel::~SlabChannel() {
  for (const auto& [segment, twin] : results_)
    gpu_->slab()->give_back(twin.slot);
}

void SlabChannel::check(const SlabAttached& answer) {
  if (!answer.failure.empty()) throw Error(ErrorCode::kInternal, answer.failure);
  link_.check();
  checked_ = true;
}

std::optional<std::uint64_t> SlabChannel::twin(const ArenaSegment& segment, bool writable) {
  if (!checked_ || !reason().empty()) return std::nullopt;
  if (!writable) return gpu_->inputs_twin(segment);
  const auto slot = gpu_->take(segment);
  if (!slot) return std::nullopt;
  results_.emplace(segment.id, Twin{*slot, gpu_->pin(segment)});
  return slot->offset;
}

std::optional<SlabTurn> SlabChannel::publish(const std::vector<std::shared_ptr<ArenaBlock>>& inputs,
                                             const ArenaBlock* output) {
  if (!checked_ || !reason().empty()) return std::nullopt;
  SlabTurn turn{next_turn_, output != nullptr && results_.contains(output->segment())};
  const bool any = std::ranges::any_of(
      inputs, [&](const auto& block) { return gpu_->inputs_twin(block->segment()).has_value(); });
  if (!any && !turn.result) return std::nullopt;
  next_turn_ = (next_turn_ + 1) % kSlabTurns;
  try {
    for (const auto& block : inputs)
      upload(*block);
    link_.announce(turn.turn);
    return turn;
  } catch (const Error& error) {
    gpu_->give_up(error.what());
    return std::nullopt;
  }
}

void SlabChannel::upload(const ArenaBlock& block) {
  const auto twin = gpu_->inputs_twin(block.segment());
  if (!twin || !gpu_->lacks(block)) return;
  link_.upload(*twin + block.offset(), block.data(), block.bytes(), ipc::CopyKind::kToDevice);
  gpu_->note_uploaded(block);
}

void SlabChannel::collect(const SlabTurn& turn, const ArenaBlock& output) {
  const auto twin = results_.find(output.segment());
  if (twin == results_.end()) throw Error(ErrorCode::kInternal, "the result has no twin");
  try {
    link_.fetch(turn.turn, twin->second.slot.offset + output.offset(), output.data(),
                output.bytes(), ipc::CopyKind::kToHost);
  } catch (const Error& error) {
    gpu_->give_up(error.what());
    throw;
  }
}

}  // namespace tandem::coordinator
