#include "device_worker/tensor_exchange.hpp"

#include <cstring>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/device_worker/fake_model.hpp"

namespace tandem::worker {
namespace {

constexpr SegmentId kInput{1};
constexpr SegmentId kOutput{2};
constexpr std::size_t kBytes = 1 << 16;

class TensorExchangeTest : public ::testing::Test {
 protected:
  TensorExchangeTest() {
    exchange_.attach({kInput, kBytes, false}, input_.share_read_only());
    exchange_.attach({kOutput, kBytes, true}, output_.share());
  }

  static TensorLayout floats(std::int64_t count) { return {DType::kF32, {count}}; }

  ErrorCode code_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::kInternal;
  }

  ipc::SharedSegment input_ = ipc::SharedSegment::create("input", kBytes);
  ipc::SharedSegment output_ = ipc::SharedSegment::create("output", kBytes);
  FakeDevice device_;
  TensorExchange exchange_{device_};
};

TEST_F(TensorExchangeTest, ReadsATensorWhereItLies) {
  const float values[] = {1, 2, 3, 4};
  std::memcpy(input_.writable_bytes().data() + 128, values, sizeof(values));
  const at::Tensor tensor = exchange_.open(SharedMemoryTensor{{DType::kF32, {2, 2}}, kInput, 128});
  EXPECT_TRUE(at::equal(tensor, at::tensor({1.F, 2.F, 3.F, 4.F}).view({2, 2})));
  EXPECT_EQ(exchange_.open(InlineTensor{{DType::kU8, {3}}, "abc"}).sum().item<std::int64_t>(), 294);
}

TEST_F(TensorExchangeTest, WritesAResultToItsSlot) {
  const at::Tensor result = at::arange(2000, at::kFloat);
  const TensorHandle handle = exchange_.offer(result, {kOutput, 4096, 8000});
  const auto& shared = std::get<SharedMemoryTensor>(handle);
  EXPECT_EQ(shared.offset, 4096U);
  EXPECT_EQ(std::memcmp(output_.bytes().data() + 4096, result.const_data_ptr(), 8000), 0);
}

TEST_F(TensorExchangeTest, SmallResultsAndThoseWithoutASlotTravelInTheMessage) {
  const auto small = exchange_.offer(at::ones({4}), {kOutput, 0, 4096});
  EXPECT_EQ(std::get<InlineTensor>(small).bytes.size(), 16U);
  const auto large = exchange_.offer(at::ones({5000}), {});
  EXPECT_EQ(std::get<InlineTensor>(large).bytes.size(), 20000U);
}

TEST_F(TensorExchangeTest, ARegionOutsideASegmentIsRefused) {
  EXPECT_EQ(code_of([&] {
              exchange_.open(SharedMemoryTensor{floats(1), kInput, kBytes});
            }),
            ErrorCode::kBadFrame);
  EXPECT_EQ(code_of([&] {
              exchange_.open(SharedMemoryTensor{floats(1), kInput, ~0ULL - 1});
            }),
            ErrorCode::kBadFrame);
  EXPECT_EQ(code_of([&] {
              exchange_.open(SharedMemoryTensor{floats(1), SegmentId{9}, 0});
            }),
            ErrorCode::kBadFrame);
  EXPECT_EQ(code_of([&] { exchange_.open(InlineTensor{floats(2), "abc"}); }), ErrorCode::kBadFrame);
  EXPECT_EQ(code_of([&] {
              exchange_.offer(at::ones({5000}), {kOutput, 0, 8000});
            }),
            ErrorCode::kBadShape);
}

TEST_F(TensorExchangeTest, ASegmentOfAnotherSizeThanAnnouncedIsRefused) {
  EXPECT_EQ(code_of([&] {
              exchange_.attach({SegmentId{3}, kBytes * 2, false}, input_.share_read_only());
            }),
            ErrorCode::kBadFrame);
}

}  // namespace
}  // namespace tandem::worker
