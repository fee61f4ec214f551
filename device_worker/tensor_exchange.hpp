// Tensors of messages as at::Tensor, and results back: the worker's end of the shared memory.
#pragma once

#include <map>
#include <memory>

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

  // The tensor's bytes where they lie, without a copy: valid until the coordinator uses the place
  // again, that is, until the unit was answered. Throws kBadFrame for a handle outside its segment.
  at::Tensor open(const TensorHandle& handle) const;

  // Writes a tensor, of any device, to the slot that it was given, or into the message where it is
  // small or has no slot; it is there when this returns. Throws kBadShape where it does not fit.
  TensorHandle offer(const at::Tensor& tensor, const OutputSlot& slot) const;

 private:
  struct Attached {
    ipc::SharedSegment memory;
    std::unique_ptr<PinnedMemory> pinned;  // ends before the mapping
  };

  const ipc::SharedSegment& segment(SegmentId id) const;

  Device& device_;
  std::map<SegmentId, Attached> segments_;
};

}  // namespace tandem::worker
