#include "device_worker/device/gpu_device.hpp"

#include <array>

#include <ATen/Context.h>
#include <gtest/gtest.h>

#include "ipc/transport/cuda_ipc/slab_link.hpp"
#include "protocol/error.hpp"
#include "tests/device_worker/fake_gpu.hpp"

namespace tandem::worker {
namespace {

class GpuDeviceTest : public ::testing::Test {
 protected:
  // Fails as often as it is told to, then works.
  std::function<void()> work(int failures) {
    return [this, failures] {
      if (++calls_ <= failures) throw_out_of_memory();
    };
  }

  Failure failure_of(const std::function<void()>& work) {
    try {
      device_->run(work);
    } catch (const Error& error) {
      return error.failure();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
  }

  FakeGpu::State state_;
  std::unique_ptr<Device> device_ =
      make_gpu_device(std::make_unique<FakeGpu>(state_), {"gpu:3", at::kCPU}, {});
  int calls_ = 0;
};

TEST_F(GpuDeviceTest, DescribesItself) {
  WorkerHello hello;
  device_->describe(hello);
  EXPECT_EQ(hello.device, "gpu:3");
  EXPECT_EQ(hello.description, "a GPU");
  EXPECT_FALSE(hello.has_bfloat16);
  EXPECT_EQ(hello.memory_total, 1U << 20);
  EXPECT_EQ(hello.memory_free, 1U << 19);
  EXPECT_EQ(hello.transport, Transport::kPinned);
  EXPECT_TRUE(state_.pinned.empty());
  state_.pin_failure = "not permitted";
  device_->describe(hello);
  EXPECT_EQ(hello.transport, Transport::kPageable);
}

TEST_F(GpuDeviceTest, ImportsTheCoordinatorsMemoryOrSaysWhyNot) {
  ipc::FakeCuda coordinator(state_.gpus);
  state_.cuda.create_stream(state_.stream);
  ipc::SlabLink link(std::make_shared<ipc::Slab>(coordinator, 0, 1 << 16));
  state_.cuda.failures = {{"cudaIpcOpenMemHandle", ipc::kNotSupported}};
  EXPECT_THROW(device_->import_slab(link.offer()), Error);
  EXPECT_EQ(state_.cuda.left_behind(), 0);
  state_.cuda.failures.clear();
  const ImportedSlab slab = device_->import_slab(link.offer());
  EXPECT_NO_THROW(link.check());
  EXPECT_EQ(slab.place, at::Device(at::kCPU));
}

TEST_F(GpuDeviceTest, ChoosesAlgorithmsByRule) {
  EXPECT_TRUE(at::globalContext().deterministicCuDNN());
  EXPECT_FALSE(at::globalContext().benchmarkCuDNN());
  EXPECT_FALSE(at::globalContext().allowTF32CuBLAS());
  EXPECT_FALSE(at::globalContext().allowTF32CuDNN());
}

TEST_F(GpuDeviceTest, WithoutMemoryItEmptiesTheCacheAndTriesOnceMore) {
  device_->run(work(1));
  EXPECT_EQ(calls_, 2);
  EXPECT_EQ(state_.emptied, 1);
  EXPECT_TRUE(device_->reason_to_end().empty());
}

TEST_F(GpuDeviceTest, ThenItSaysWhatWasMissing) {
  const Failure failure = failure_of([this] {
    ++calls_;
    state_.failed = {1, 64 << 20, 5 << 20};
    throw_out_of_memory();
  });
  EXPECT_EQ(calls_, 2);
  EXPECT_EQ(failure.code, ErrorCode::kOutOfMemory);
  EXPECT_EQ(failure.needed_bytes, 64U << 20);
  EXPECT_EQ(failure.free_bytes, 5U << 20);
  EXPECT_TRUE(device_->reason_to_end().empty());
}

// The bits would depend on how much memory was free, now and for as long as the process lives.
TEST_F(GpuDeviceTest, AnAlgorithmChosenForWantOfMemoryIsAFailureAndEndsTheProcess) {
  const Failure failure = failure_of([this] {
    ++calls_;
    state_.failed = {1, 64 << 20, 5 << 20};
  });
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(failure.code, ErrorCode::kOutOfMemory);
  EXPECT_FALSE(device_->reason_to_end().empty());
}

TEST_F(GpuDeviceTest, OtherErrorsPassThrough) {
  EXPECT_THROW(device_->run(throw_cuda_error), c10::Error);
  EXPECT_THROW(device_->run([] { throw Error(ErrorCode::kBadShape, "no"); }), Error);
  EXPECT_EQ(state_.emptied, 0);
}

TEST_F(GpuDeviceTest, AContextThatBrokeEndsTheProcessAtOnce) {
  state_.broken = "an illegal address";
  EXPECT_EXIT(device_->run(throw_cuda_error), testing::ExitedWithCode(70),
              "gpu:3: CUDA says: an illegal address");
  const auto failed_transport = [] { throw Error(ErrorCode::kInternal, "cudaEventRecord"); };
  EXPECT_EXIT(device_->run(failed_transport), testing::ExitedWithCode(70), "gpu:3: CUDA says");
}

TEST_F(GpuDeviceTest, PinsMemoryUntilItIsLetGo) {
  const std::array<std::byte, 8> memory{};
  auto pinned = device_->pin(memory, true);
  ASSERT_NE(pinned, nullptr);
  EXPECT_EQ(state_.pinned, (std::map<const void*, bool>{{memory.data(), true}}));
  pinned.reset();
  EXPECT_TRUE(state_.pinned.empty());
  state_.pin_failure = "not permitted";
  EXPECT_EQ(device_->pin(memory, false), nullptr);
}

}  // namespace
}  // namespace tandem::worker
