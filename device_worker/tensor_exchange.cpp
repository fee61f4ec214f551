#include "device_worker/tensor_exchange.hpp"

#include <cstring>
#include <utility>

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
  segments_.insert_or_assign(message.segment,
                             Attached{std::move(segment), std::move(pinned), message.twin});
}

void TensorExchange::attach(const AttachSlab& message) {
  slab_ = device_.import_slab(message.offer);
}

void TensorExchange::begin_unit(const std::optional<SlabTurn>& turn) {
  turn_.reset();
  left_in_slab_ = false;
  if (!turn) return;
  if (!slab_.view || turn->turn >= kSlabTurns) refuse("A unit takes a turn that there is not.");
  slab_.view->wait_for_inputs(turn->turn);
  turn_ = turn;
}

bool TensorExchange::end_unit() {
  turn_.reset();
  return std::exchange(left_in_slab_, false);
}

at::Tensor TensorExchange::open(const TensorHandle& handle) const {
  if (const auto* small = std::get_if<InlineTensor>(&handle)) return copy_of(*small);
  const auto& shared = std::get<SharedMemoryTensor>(handle);
  const ipc::SharedSegment& memory = segment(shared.segment).memory;
  const std::size_t bytes = byte_size(shared.layout);
  if (shared.offset > memory.size() || bytes > memory.size() - shared.offset) {
    refuse("A tensor lies outside its segment.");
  }
  return models::tensor_view(shared.layout, memory.bytes().data() + shared.offset, nullptr);
}

at::Tensor TensorExchange::open_near(const TensorHandle& handle) const {
  const auto* shared = std::get_if<SharedMemoryTensor>(&handle);
  if (!turn_ || shared == nullptr) return open(handle);
  const auto& twin = segment(shared->segment).twin;
  if (!twin) return open(handle);
  std::byte* data = slab_.view->at(*twin + shared->offset, byte_size(shared->layout));
  return models::tensor_view(shared->layout, data, slab_.place);
}

bool TensorExchange::leaves_in_slab(const at::Tensor& result, const OutputSlot& slot) const {
  return turn_ && turn_->result && segment(slot.segment).twin && result.device() == slab_.place;
}

TensorHandle TensorExchange::offer(const at::Tensor& tensor, const OutputSlot& slot) {
  const at::Tensor source = tensor.contiguous();
  const TensorLayout layout = models::layout_of(source);
  const std::size_t bytes = byte_size(layout);
  if (slot.bytes == 0 || bytes <= kInlineTensorBytes) {
    const at::Tensor local = source.to(at::kCPU);
    return InlineTensor{layout,
                        std::string(static_cast<const char*>(local.const_data_ptr()), bytes)};
  }
  const ipc::SharedSegment& memory = segment(slot.segment).memory;
  if (bytes > slot.bytes || slot.offset > memory.size() || bytes > memory.size() - slot.offset) {
    throw Error(ErrorCode::kBadShape, "A result of " + std::to_string(bytes) +
                                          " bytes does not fit in its slot of " +
                                          std::to_string(slot.bytes) + ".");
  }
  if (leaves_in_slab(source, slot)) {
    std::byte* data = slab_.view->at(*segment(slot.segment).twin + slot.offset, bytes);
    models::tensor_view(layout, data, slab_.place).copy_(source, /*non_blocking=*/true);
    slab_.view->finish_result(turn_->turn);
    left_in_slab_ = true;
    return SharedMemoryTensor{layout, slot.segment, slot.offset};
  }
  // Waits for the device, where the tensor is on one.
  models::tensor_view(layout, memory.writable_bytes().data() + slot.offset, nullptr).copy_(source);
  return SharedMemoryTensor{layout, slot.segment, slot.offset};
}

const TensorExchange::Attached& TensorExchange::segment(SegmentId id) const {
  const auto it = segments_.find(id);
  if (it == segments_.end()) refuse("A tensor names a segment that was not attached.");
  return it->second;
}

}  // namespace tandem::worker
