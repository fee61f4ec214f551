#include "device_worker/tensor_exchange.hpp"

#include <cstring>

#include <ATen/ATen.h>

#include "models/tensor/tensor_view.hpp"
#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::kBadFrame, why);
}

at::Tensor copy_of(const InlineTensor& tensor) {
  const std::size_t bytes = byte_size(tensor.layout);
  if (tensor.bytes.size() != bytes) refuse("A tensor in a message has another size than it says.");
  at::Tensor copy = at::empty(tensor.layout.shape,
                              at::TensorOptions(models::scalar_type_of(tensor.layout.dtype)));
  std::memcpy(copy.mutable_data_ptr(), tensor.bytes.data(), bytes);
  return copy;
}

}  // namespace

void TensorExchange::attach(const AttachSegment& message, ipc::Fd fd) {
  auto segment = message.writable
                     ? ipc::SharedSegment::attach(std::move(fd), message.bytes)
                     : ipc::SharedSegment::attach_read_only(std::move(fd), message.bytes);
  if (segment.size() != message.bytes) refuse("A segment has another size than announced.");
  auto pinned = device_.pin(segment.bytes(), message.writable);
  segments_.insert_or_assign(message.segment, Attached{std::move(segment), std::move(pinned)});
}

at::Tensor TensorExchange::open(const TensorHandle& handle) const {
  if (const auto* small = std::get_if<InlineTensor>(&handle)) return copy_of(*small);
  const auto& shared = std::get<SharedMemoryTensor>(handle);
  const ipc::SharedSegment& memory = segment(shared.segment);
  const std::size_t bytes = byte_size(shared.layout);
  if (shared.offset > memory.size() || bytes > memory.size() - shared.offset) {
    refuse("A tensor lies outside its segment.");
  }
  return models::tensor_view(shared.layout, memory.bytes().data() + shared.offset, nullptr);
}

TensorHandle TensorExchange::offer(const at::Tensor& tensor, const OutputSlot& slot) const {
  const at::Tensor source = tensor.contiguous();
  const TensorLayout layout = models::layout_of(source);
  const std::size_t bytes = byte_size(layout);
  if (slot.bytes == 0 || bytes <= kInlineTensorBytes) {
    const at::Tensor local = source.to(at::kCPU);
    return InlineTensor{layout,
                        std::string(static_cast<const char*>(local.const_data_ptr()), bytes)};
  }
  const ipc::SharedSegment& memory = segment(slot.segment);
  if (bytes > slot.bytes || slot.offset > memory.size() || bytes > memory.size() - slot.offset) {
    throw Error(ErrorCode::kBadShape, "A result of " + std::to_string(bytes) +
                                          " bytes does not fit in its slot of " +
                                          std::to_string(slot.bytes) + ".");
  }
  // Waits for the device, where the tensor is on one.
  models::tensor_view(layout, memory.writable_bytes().data() + slot.offset, nullptr).copy_(source);
  return SharedMemoryTensor{layout, slot.segment, slot.offset};
}

const ipc::SharedSegment& TensorExchange::segment(SegmentId id) const {
  const auto it = segments_.find(id);
  if (it == segments_.end()) refuse("A tensor names a segment that was not attached.");
  return it->second.memory;
}

}  // namespace tandem::worker
