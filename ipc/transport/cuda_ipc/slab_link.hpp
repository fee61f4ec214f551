// The coordinator's end of a slab for one worker process: its events, and the check that the two
// see the same bytes.
#pragma once

#include <array>
#include <memory>

#include "ipc/transport/cuda_ipc/slab.hpp"

namespace tandem::ipc {

// Begins with the process and must end after it: events may go once nobody has them imported.
// Functions throw kInternal.
class SlabLink {
 public:
  // Makes the events, and leaves bytes for the worker to look for.
  explicit SlabLink(std::shared_ptr<Slab> slab);
  SlabLink(const SlabLink&) = delete;
  SlabLink& operator=(const SlabLink&) = delete;
  ~SlabLink();

  const SlabOffer& offer() const { return offer_; }
  // After the worker's answer: throws where its bytes have not arrived.
  void check();

  // Queues a copy into the slab, from memory of either kind.
  void upload(std::uint64_t offset, const void* from, std::size_t bytes, CopyKind kind);
  // What was uploaded before is there for the worker once it waited for this turn's inputs.
  void announce(std::size_t turn);
  // Copies a result that the worker has finished; it is there when this returns.
  void fetch(std::size_t turn, std::uint64_t offset, void* to, std::size_t bytes, CopyKind kind);

  Slab& slab() { return *slab_; }

 private:
  bool answer_arrives();

  std::shared_ptr<Slab> slab_;
  Slot check_slot_;
  std::array<CudaObject, kSlabTurns> inputs_ready_;
  std::array<CudaObject, kSlabTurns> result_ready_;
  SlabOffer offer_;
};

}  // namespace tandem::ipc
