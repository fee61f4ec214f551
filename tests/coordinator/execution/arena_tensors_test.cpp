#include "coordinator/execution/arena_tensors.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

TEST(ArenaTensors, ALargeTensorGoesThroughSharedMemory) {
  TensorArena arena;
  const at::Tensor tensor = at::arange(3000, at::kFloat).view({3, 1000});
  const SharedTensor shared = share(arena, tensor.t());
  ASSERT_NE(shared.block, nullptr);
  EXPECT_TRUE(at::equal(read_result(shared.handle, shared.block.get(), {1000, 3}), tensor.t()));
}

TEST(ArenaTensors, ASmallOneTravelsInTheMessage) {
  TensorArena arena;
  const SharedTensor shared = share(arena, at::ones({4}));
  EXPECT_EQ(shared.block, nullptr);
  EXPECT_TRUE(at::equal(read_result(shared.handle, nullptr), at::ones({4})));
  EXPECT_EQ(arena.bytes_in_use(), 0U);
}

TEST(ArenaTensors, AResultMayBeginLaterInItsSlot) {
  TensorArena arena;
  const SharedTensor shared = share(arena, at::arange(3000, at::kFloat));
  auto handle = std::get<SharedMemoryTensor>(shared.handle);
  handle.offset += 64;
  handle.layout.shape = {2984};
  EXPECT_EQ(read_result(handle, shared.block.get())[0].item<float>(), 16.0F);
  handle.layout.shape = {2985};
  EXPECT_THROW(read_result(handle, shared.block.get()), Error);
}

TEST(ArenaTensors, AViewHoldsTheSlot) {
  TensorArena arena;
  const at::Tensor tensor = at::arange(3000, at::kFloat);
  SharedTensor shared = share(arena, tensor);
  at::Tensor view = view_result(shared.handle, shared.block, {3000});
  EXPECT_EQ(view.const_data_ptr(), shared.block->data());
  shared.block.reset();
  EXPECT_GT(arena.bytes_in_use(), 0U);
  EXPECT_TRUE(at::equal(view, tensor));
  view.reset();
  EXPECT_EQ(arena.bytes_in_use(), 0U);
}

TEST(ArenaTensors, AViewOfWhatIsNotInItsSlotOrLiesAskewIsNone) {
  TensorArena arena;
  const SharedTensor shared = share(arena, at::ones({3000}));
  auto handle = std::get<SharedMemoryTensor>(shared.handle);
  handle.layout.shape = {2000};
  handle.offset += 2;
  const at::Tensor copy = view_result(handle, shared.block, {2000});
  EXPECT_NE(copy.const_data_ptr(), shared.block->data() + 2);
  EXPECT_THROW(view_result(handle, shared.block, {2001}), Error);
  handle.offset += 4000;
  EXPECT_THROW(view_result(handle, shared.block, {2000}), Error);
  EXPECT_THROW(view_result(shared.handle, nullptr, {3000}), Error);
}

TEST(ArenaTensors, AResultOutsideItsSlotIsRefused) {
  TensorArena arena;
  const SharedTensor shared = share(arena, at::ones({3000}));
  auto handle = std::get<SharedMemoryTensor>(shared.handle);
  EXPECT_THROW(read_result(handle, nullptr), Error);
  handle.offset += 64;
  EXPECT_THROW(read_result(handle, shared.block.get()), Error);
  handle.offset -= 64;
  handle.layout.shape = {3001};
  EXPECT_THROW(read_result(handle, shared.block.get()), Error);
  EXPECT_THROW(read_result(shared.handle, shared.block.get(), {1, 3000}), Error);
  EXPECT_THROW(read_result(InlineTensor{{DType::kF32, {2}}, "abc"}, nullptr), Error);
}

}  // namespace
}  // namespace tandem::coordinator
