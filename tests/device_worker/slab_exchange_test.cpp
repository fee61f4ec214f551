// Tensors of units through GPU memory of the coordinator, with a GPU that is memory of the CPU.
#include <cstring>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "device_worker/tensor_exchange.hpp"
#include "ipc/transport/cuda_ipc/slab_link.hpp"
#include "protocol/error.hpp"
#include "tests/device_worker/fake_model.hpp"
#include "tests/ipc/cuda/fake_cuda.hpp"

namespace tandem::worker {
namespace {

constexpr SegmentId kInput{1};
constexpr SegmentId kOutput{2};
constexpr SegmentId kOther{3};  // without a twin
constexpr std::size_t kBytes = 1 << 16;

class SlabDevice : public FakeDevice {
 public:
  explicit SlabDevice(ipc::FakeGpus& gpus) : calls(gpus) { calls.create_stream(stream_); }

  ImportedSlab import_slab(const SlabOffer& offer) override {
    return {std::make_unique<ipc::SlabView>(calls, 0, stream_, offer), at::kCPU};
  }

  ipc::FakeCuda calls;

 private:
  void* stream_ = nullptr;
};

class SlabExchangeTest : public ::testing::Test {
 protected:
  SlabExchangeTest() {
    exchange_.attach(AttachSlab{link_.offer()});
    exchange_.attach({kInput, kBytes, false, input_twin_.offset}, input_.share_read_only());
    exchange_.attach({kOutput, kBytes, true, output_twin_.offset}, output_.share());
    exchange_.attach({kOther, kBytes, false, std::nullopt}, other_.share_read_only());
    link_.check();
  }

  // As the coordinator publishes an input.
  void upload(const at::Tensor& values, std::uint64_t offset) {
    link_.upload(input_twin_.offset + offset, values.const_data_ptr(), values.nbytes(),
                 ipc::CopyKind::kToDevice);
    link_.announce(1);
  }

  static TensorHandle floats(SegmentId segment, std::uint64_t offset) {
    return SharedMemoryTensor{{DType::kF32, {2000}}, segment, offset};
  }

  ipc::FakeGpus gpus_;
  ipc::FakeCuda here_{gpus_};
  std::shared_ptr<ipc::Slab> slab_ = std::make_shared<ipc::Slab>(here_, 0, 4 * kBytes);
  ipc::SlabLink link_{slab_};
  ipc::Slot input_twin_ = *slab_->take(kBytes);
  ipc::Slot output_twin_ = *slab_->take(kBytes);
  ipc::SharedSegment input_ = ipc::SharedSegment::create("input", kBytes);
  ipc::SharedSegment output_ = ipc::SharedSegment::create("output", kBytes);
  ipc::SharedSegment other_ = ipc::SharedSegment::create("other", kBytes);
  SlabDevice device_{gpus_};
  TensorExchange exchange_{device_};
};

TEST_F(SlabExchangeTest, AnInputIsReadWhereItWasUploadedTo) {
  const at::Tensor values = at::arange(2000, at::kFloat);
  upload(values, 128);
  exchange_.begin_unit(SlabTurn{1, false});
  EXPECT_FALSE(at::equal(exchange_.open_near(floats(kInput, 128)), values)) << "not waited for yet";
  // What is queued on the worker's stream comes after the upload.
  device_.calls.synchronize_stream(gpus_.streams.back().get());
  EXPECT_TRUE(at::equal(exchange_.open_near(floats(kInput, 128)), values));
  EXPECT_FALSE(at::equal(exchange_.open(floats(kInput, 128)), values)) << "the CPU's";
  EXPECT_NE(exchange_.open_near(floats(kOther, 0)).const_data_ptr(), nullptr);
}

TEST_F(SlabExchangeTest, AResultIsLeftWhereItIsFetchedFrom) {
  exchange_.begin_unit(SlabTurn{2, true});
  const at::Tensor result = at::arange(2000, at::kFloat);
  const TensorHandle handle = exchange_.offer(result, {kOutput, 4096, 8000});
  EXPECT_EQ(std::get<SharedMemoryTensor>(handle).offset, 4096U);
  EXPECT_TRUE(exchange_.end_unit());
  EXPECT_FALSE(exchange_.end_unit()) << "said once";
  at::Tensor fetched = at::zeros({2000});
  link_.fetch(2, output_twin_.offset + 4096, fetched.mutable_data_ptr(), 8000,
              ipc::CopyKind::kToHost);
  EXPECT_TRUE(at::equal(fetched, result));
  EXPECT_EQ(output_.bytes()[4096 + 4], std::byte{0}) << "not to shared memory as well";
}

TEST_F(SlabExchangeTest, WithoutATurnEverythingIsSharedMemory) {
  exchange_.begin_unit(std::nullopt);
  exchange_.offer(at::ones({2000}), {kOutput, 0, 8000});
  EXPECT_FALSE(exchange_.end_unit());
  EXPECT_NE(output_.bytes()[3], std::byte{0});
  exchange_.begin_unit(SlabTurn{0, false});
  exchange_.offer(at::ones({2000}), {kOutput, 8000, 8000});
  EXPECT_FALSE(exchange_.end_unit()) << "the result's twin was not given";
}

TEST_F(SlabExchangeTest, ATurnThatThereIsNotIsRefused) {
  EXPECT_THROW(exchange_.begin_unit(SlabTurn{kSlabTurns, true}), Error);
  FakeDevice plain;
  TensorExchange other(plain);
  EXPECT_THROW(other.attach(AttachSlab{link_.offer()}), Error);
  EXPECT_THROW(other.begin_unit(SlabTurn{0, true}), Error);
  EXPECT_NO_THROW(other.begin_unit(std::nullopt));
}

}  // namespace
}  // namespace tandem::worker
