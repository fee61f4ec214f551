#include "coordinator/execution/arena_tensors.hpp"

#include <cstdint>
#include <cstring>

#include <ATen/ATen.h>

#include "models/tensor/tensor_view.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

const std::byte* bytes_of(const TensorHandle& handle, const ArenaBlock* block) {
  if (const auto* small = std::get_if<InlineTensor>(&handle)) {
    if (small->bytes.size() != byte_size(small->layout)) {
      throw Error(ErrorCode::kInternal, "A worker's result has another size than it says.");
    }
    return reinterpret_cast<const std::byte*>(small->bytes.data());
  }
  const auto& shared = std::get<SharedMemoryTensor>(handle);
  const std::uint64_t begin =
      block == nullptr || shared.offset < block->offset() ? 0 : shared.offset - block->offset();
  if (block == nullptr || shared.segment != block->segment() || shared.offset < block->offset() ||
      begin > block->bytes() || byte_size(shared.layout) > block->bytes() - begin) {
    throw Error(ErrorCode::kInternal, "A worker's result lies outside the slot that it was given.");
  }
  return block->data() + begin;
}

void check_layout(const TensorHandle& handle, const std::vector<std::int64_t>& expected_shape) {
  if (layout_of(handle).shape == expected_shape && layout_of(handle).dtype == DType::kF32) return;
  throw Error(ErrorCode::kInternal, "A worker's result has another shape than the unit asks for.");
}

}  // namespace

SharedTensor share(TensorArena& arena, const at::Tensor& tensor) {
  const at::Tensor source = tensor.contiguous();
  const TensorLayout layout = models::layout_of(source);
  const std::size_t bytes = byte_size(layout);
  if (bytes <= kInlineTensorBytes) {
    return {
        InlineTensor{layout, std::string(static_cast<const char*>(source.const_data_ptr()), bytes)},
        nullptr};
  }
  auto block = arena.allocate(bytes);
  std::memcpy(block->data(), source.const_data_ptr(), bytes);
  return {SharedMemoryTensor{layout, block->segment(), block->offset()}, std::move(block)};
}

at::Tensor read_result(const TensorHandle& handle, const ArenaBlock* block) {
  const TensorLayout& layout = layout_of(handle);
  at::Tensor tensor =
      at::empty(layout.shape, at::TensorOptions(models::scalar_type_of(layout.dtype)));
  std::memcpy(tensor.mutable_data_ptr(), bytes_of(handle, block), byte_size(layout));
  return tensor;
}

at::Tensor read_result(const TensorHandle& handle, const ArenaBlock* block,
                       const std::vector<std::int64_t>& expected_shape) {
  check_layout(handle, expected_shape);
  return read_result(handle, block);
}

at::Tensor view_result(const TensorHandle& handle, const std::shared_ptr<ArenaBlock>& block,
                       const std::vector<std::int64_t>& expected_shape) {
  check_layout(handle, expected_shape);
  const std::byte* bytes = bytes_of(handle, block.get());
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(bytes) % alignof(float) == 0;
  if (std::holds_alternative<InlineTensor>(handle) || !is_aligned)
    return read_result(handle, block.get());
  return models::tensor_view(layout_of(handle), bytes, block);
}

}  // namespace tandem::coordinator
