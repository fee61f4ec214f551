// Tensors of messages as at::Tensor, and results back: the worker's end of the shared memory.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include <ATen/core/Tensor.h>

#include "device_worker/device/device.hpp"
#include "ipc/fd.hpp"
#include "ipc/memory/shared_segment.hpp"
#include "protocol/tensor_handle.hpp"
#include "protocol/worker_message.hpp"

namespace tandem::worker {

class TensorExchange {
 public:
  // Segments are prepared for the copies of `device`, which must outlive this object.
  explicit TensorExchange(Device& device) : device_(device) {}

  // Maps a segment until this object ends. Throws kUnsealedMemory, kBadFrame where its size is not
  // as announced.
  void attach(const AttachSegment& message, ipc::Fd fd);

  // From then on tensors of segments with a twin may travel through the slab. Throws tandem::Error
  // with why it can't be used.
  void attach(const AttachSlab& message);

  // Between the two, tensors are a unit's. `turn`: those with a twin lie there as well; what is
  // queued from now on comes after them. Throws kBadFrame for a turn that is not there.
  void begin_unit(const std::optional<SlabTurn>& turn);
  // Whether the result was left in the slab.
  bool end_unit();

  // The tensor's bytes where they lie, without a copy: valid until the coordinator uses the place
  // again, that is, until the unit was answered. Throws kBadFrame for a handle outside its segment.
  at::Tensor open(const TensorHandle& handle) const;
  // The same in the device's memory, where they lie there too.
  at::Tensor open_near(const TensorHandle& handle) const;

  // Writes a tensor, of any device, to the slot that it was given, or into the message where it is
  // small or has no slot; it is there when this returns. Throws kBadShape where it does not fit.
  TensorHandle offer(const at::Tensor& tensor, const OutputSlot& slot);

 private:
  struct Attached {
    ipc::SharedSegment memory;
    std::unique_ptr<PinnedMemory> pinned;  // ends before the mapping
    std::optional<std::uint64_t> twin;
  };

  const Attached& segment(SegmentId id) const;
  bool leaves_in_slab(const at::Tensor& result, const OutputSlot& slot) const;

  Device& device_;
  std::map<SegmentId, Attached> segments_;
  ImportedSlab slab_;
  std::optional<SlabTurn> turn_;  // of the unit at hand
  bool left_in_slab_ = false;
};

}  // namespace tandem::worker
