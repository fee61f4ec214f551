#include "ipc/transport/cuda_ipc/slab_link.hpp"

#include <chrono>
#include <random>
#include <thread>

#include "ipc/transport/cuda_ipc/check_bytes.hpp"
#include "protocol/error.hpp"

namespace tandem::ipc {
namespace {

constexpr int kArrivalTries = 50;
constexpr std::chrono::milliseconds kArrivalPause{2};

Slot take_check_slot(Slab& slab) {
  const auto slot = slab.take(kSlabCheckBytes);
  if (!slot) throw Error(ErrorCode::kInternal, "the slab is full");
  return *slot;
}

}  // namespace

SlabLink::SlabLink(std::shared_ptr<Slab> slab)
    : slab_(std::move(slab)), check_slot_(take_check_slot(*slab_)) {
  try {
    offer_.memory = slab_->handle();
    offer_.bytes = slab_->size();
    for (std::size_t turn = 0; turn < kSlabTurns; ++turn) {
      inputs_ready_[turn] = slab_->device().create_event();
      result_ready_[turn] = slab_->device().create_event();
      offer_.inputs_ready[turn] = slab_->device().export_event(inputs_ready_[turn]);
      offer_.result_ready[turn] = slab_->device().export_event(result_ready_[turn]);
    }
    offer_.check_offset = check_slot_.offset;
    // Bytes that an earlier process left at this place must not pass for these.
    std::random_device random;
    offer_.check_seed = (std::uint64_t{random()} << 32U) | random();
    const CheckBytes bytes = check_bytes(offer_.check_seed);
    upload(check_slot_.offset, bytes.data(), bytes.size(), CopyKind::kToDevice);
    announce(0);
    slab_->device().synchronize_stream(slab_->stream());  // the bytes are on this stack
  } catch (...) {
    slab_->give_back(check_slot_);
    throw;
  }
}

SlabLink::~SlabLink() {
  slab_->give_back(check_slot_);
}

bool SlabLink::answer_arrives() {
  for (int i = 0; i < kArrivalTries; ++i) {
    if (slab_->device().is_done(result_ready_[0])) return true;
    std::this_thread::sleep_for(kArrivalPause);
  }
  return false;
}

void SlabLink::check() {
  // The worker waited for it before it answered: it is asked for, since a wait may never end.
  if (!answer_arrives())
    throw Error(ErrorCode::kInternal, "an event of the worker's does not arrive");
  CheckBytes bytes{};
  fetch(0, check_slot_.offset, bytes.data(), bytes.size(), CopyKind::kToHost);
  if (bytes != check_bytes(answer_seed(offer_.check_seed)))
    throw Error(ErrorCode::kInternal, "the worker's bytes do not arrive");
}

void SlabLink::upload(std::uint64_t offset, const void* from, std::size_t bytes, CopyKind kind) {
  slab_->device().copy(slab_->at(offset), from, bytes, kind, slab_->stream());
}

void SlabLink::announce(std::size_t turn) {
  slab_->device().record(inputs_ready_.at(turn), slab_->stream());
}

void SlabLink::fetch(std::size_t turn, std::uint64_t offset, void* to, std::size_t bytes,
                     CopyKind kind) {
  slab_->device().wait(slab_->stream(), result_ready_.at(turn));
  slab_->device().copy(to, slab_->at(offset), bytes, kind, slab_->stream());
  slab_->device().synchronize_stream(slab_->stream());
}

}  // namespace tandem::ipc
