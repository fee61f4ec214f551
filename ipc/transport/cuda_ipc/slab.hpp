// GPU memory that the coordinator holds and workers of that GPU import: one piece, allocated and
// exported once. Who has which part is booked here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "ipc/cuda/device.hpp"
#include "ipc/memory/slot_pool.hpp"

namespace tandem::ipc {

// Used by one thread. Throws as CudaDevice does; what was thrown once is thrown for good where the
// context is lost.
class Slab {
 public:
  Slab(CudaCalls& calls, int position, std::size_t bytes);

  CudaDevice& device() { return device_; }
  const CudaHandle& handle() const { return handle_; }
  std::size_t size() const { return bytes_; }
  // The coordinator's copies, in order.
  void* stream() const { return stream_.get(); }
  std::byte* at(std::uint64_t offset) const {
    return static_cast<std::byte*>(memory_.get()) + offset;
  }

  // nullopt where no part is large enough.
  std::optional<Slot> take(std::size_t bytes) { return pool_.allocate(bytes); }
  void give_back(const Slot& slot) { static_cast<void>(pool_.release(slot)); }

 private:
  CudaDevice device_;
  std::size_t bytes_;
  CudaObject memory_;
  CudaObject stream_;
  CudaHandle handle_;
  SlotPool pool_;
};

}  // namespace tandem::ipc
