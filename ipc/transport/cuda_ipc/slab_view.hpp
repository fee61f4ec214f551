// The worker's end of a slab: imported once, for the life of the process.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ipc/cuda/device.hpp"

namespace tandem::ipc {

// Used by one thread.
class SlabView {
 public:
  // Imports all of it, looks for the coordinator's bytes and leaves its own. `stream` is where the
  // worker's work is queued. Throws kInternal or kNoWorker with the reason why it can't be used.
  SlabView(CudaCalls& calls, int position, void* stream, const SlabOffer& offer);

  // Memory of the GPU. Throws kBadFrame for bytes outside the slab.
  std::byte* at(std::uint64_t offset, std::size_t bytes) const;
  // What is queued from now on comes after the inputs of this turn.
  void wait_for_inputs(std::size_t turn);
  // Waits until all that was queued is done, and tells the coordinator's GPU work so.
  void finish_result(std::size_t turn);

 private:
  void check(const SlabOffer& offer);

  CudaDevice device_;
  void* stream_;
  std::uint64_t bytes_;
  CudaObject memory_;
  std::array<CudaObject, kSlabTurns> inputs_ready_;
  std::array<CudaObject, kSlabTurns> result_ready_;
};

}  // namespace tandem::ipc
