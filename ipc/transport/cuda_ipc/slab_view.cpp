#include "ipc/transport/cuda_ipc/slab_view.hpp"

#include "ipc/transport/cuda_ipc/check_bytes.hpp"
#include "protocol/error.hpp"

namespace tandem::ipc {

SlabView::SlabView(CudaCalls& calls, int position, void* stream, const SlabOffer& offer)
    : device_(calls, position),
      stream_(stream),
      bytes_(offer.bytes),
      memory_(device_.import_memory(offer.memory)) {
  for (std::size_t turn = 0; turn < kSlabTurns; ++turn) {
    inputs_ready_[turn] = device_.import_event(offer.inputs_ready[turn]);
    result_ready_[turn] = device_.import_event(offer.result_ready[turn]);
  }
  check(offer);
}

void SlabView::check(const SlabOffer& offer) {
  std::byte* place = at(offer.check_offset, kSlabCheckBytes);
  CheckBytes bytes{};
  wait_for_inputs(0);
  device_.copy(bytes.data(), place, bytes.size(), CopyKind::kToHost, stream_);
  device_.synchronize_stream(stream_);
  if (bytes != check_bytes(offer.check_seed))
    throw Error(ErrorCode::kInternal, "the coordinator's bytes do not arrive");
  bytes = check_bytes(answer_seed(offer.check_seed));
  device_.copy(place, bytes.data(), bytes.size(), CopyKind::kToDevice, stream_);
  finish_result(0);
}

std::byte* SlabView::at(std::uint64_t offset, std::size_t bytes) const {
  if (offset > bytes_ || bytes > bytes_ - offset)
    throw Error(ErrorCode::kBadFrame, "A tensor lies outside the GPU memory that was shared.");
  return static_cast<std::byte*>(memory_.get()) + offset;
}

void SlabView::wait_for_inputs(std::size_t turn) {
  device_.wait(stream_, inputs_ready_.at(turn));
}

void SlabView::finish_result(std::size_t turn) {
  device_.record(result_ready_.at(turn), stream_);
  device_.synchronize(result_ready_.at(turn));
}

}  // namespace tandem::ipc
