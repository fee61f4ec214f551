#include "coordinator/workers/slab_channel.hpp"

#include <cstring>

#include <gtest/gtest.h>

#include "ipc/transport/cuda_ipc/slab_view.hpp"
#include "protocol/error.hpp"
#include "tests/ipc/cuda/fake_cuda.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::size_t kSegment = 1 << 16;

class SlabChannelTest : public ::testing::Test {
 protected:
  SlabChannelTest() { there_.create_stream(stream_); }
  ~SlabChannelTest() override { EXPECT_EQ(gpus_.undefined, 0); }

  void open(std::size_t slab_bytes = 8 * kSegment) {
    slabs_.emplace([this]() -> ipc::CudaCalls& { return here_; }, slab_bytes);
    gpu_ = slabs_->open(0);
    connect();
  }
  // A worker's start.
  void connect() {
    view_.reset();
    channel_.reset();
    channel_ = std::make_unique<SlabChannel>(gpu_);
    view_ = std::make_unique<ipc::SlabView>(there_, 0, stream_, channel_->offer());
    channel_->check({});
  }
  void TearDown() override {
    view_.reset();
    channel_.reset();
    gpu_.reset();
    slabs_.reset();
  }

  // What WorkerProcess says to the worker before a unit: twins by segment.
  void tell(const TensorArena& arena, bool writable) {
    for (const ArenaSegment& segment :
         arena.segments_from(writable ? told_outputs_ : told_inputs_)) {
      if (const auto twin = channel_->twin(segment, writable)) twins_[segment.id] = *twin;
      ++(writable ? told_outputs_ : told_inputs_);
    }
  }

  std::shared_ptr<ArenaBlock> input(char filled, std::size_t bytes = 1000) {
    auto block = inputs_.allocate(bytes);
    std::memset(block->data(), filled, bytes);
    tell(inputs_, false);
    return block;
  }
  std::shared_ptr<ArenaBlock> output(std::size_t bytes = 1000) {
    auto block = outputs_.allocate(bytes);
    tell(outputs_, true);
    return block;
  }

  // What a worker does: the input's bytes become the result's.
  void work(const SlabTurn& turn, const ArenaBlock& in, const ArenaBlock& out) {
    view_->wait_for_inputs(turn.turn);
    std::byte* from = view_->at(twins_.at(in.segment()) + in.offset(), in.bytes());
    std::byte* to = view_->at(twins_.at(out.segment()) + out.offset(), in.bytes());
    there_.copy(to, from, in.bytes(), ipc::CopyKind::kOnDevice, stream_);
    view_->finish_result(turn.turn);
  }

  ipc::FakeGpus gpus_;
  ipc::FakeCuda here_{gpus_};
  ipc::FakeCuda there_{gpus_};
  void* stream_ = nullptr;
  TensorArena inputs_{ArenaLimits{kSegment}};
  TensorArena outputs_{ArenaLimits{kSegment}};
  std::optional<GpuSlabs> slabs_;
  std::shared_ptr<GpuSlab> gpu_;
  std::unique_ptr<SlabChannel> channel_;
  std::unique_ptr<ipc::SlabView> view_;
  std::map<SegmentId, std::uint64_t> twins_;
  std::size_t told_inputs_ = 0;
  std::size_t told_outputs_ = 0;
};

TEST_F(SlabChannelTest, AUnitsTensorsTravelThroughTheSlab) {
  open();
  for (char unit = 'a'; unit < 'k'; ++unit) {
    const auto in = input(unit);
    const auto out = output();
    const auto turn = channel_->publish({in}, out.get());
    ASSERT_TRUE(turn);
    EXPECT_TRUE(turn->result);
    work(*turn, *in, *out);
    channel_->collect(*turn, *out);
    EXPECT_EQ(std::memcmp(out->data(), in->data(), 1000), 0) << unit;
  }
  EXPECT_EQ(here_.calls["cudaMalloc"], 1);
}

TEST_F(SlabChannelTest, UnitsThatShareAnInputUploadItOnce) {
  open();
  const auto in = input('a');
  ASSERT_TRUE(channel_->publish({in}, nullptr));
  const int copies = here_.calls["cudaMemcpyAsync"];
  ASSERT_TRUE(channel_->publish({in}, nullptr));
  EXPECT_EQ(here_.calls["cudaMemcpyAsync"], copies);
}

TEST_F(SlabChannelTest, ABlockAtTheSamePlaceIsAnotherBlock) {
  open();
  auto in = input('a');
  const std::uint64_t place = in->offset();
  ASSERT_TRUE(channel_->publish({in}, nullptr));
  in.reset();
  in = input('b');
  ASSERT_EQ(in->offset(), place);
  const auto out = output();
  const auto turn = channel_->publish({in}, out.get());
  work(*turn, *in, *out);
  channel_->collect(*turn, *out);
  EXPECT_EQ(std::memcmp(out->data(), in->data(), 1000), 0);
}

TEST_F(SlabChannelTest, WhatDoesNotFitGoesThroughSharedMemory) {
  open(2 * kSegment);  // with the check's bytes there is room for one segment
  const auto in = input('a');
  const auto out = output();
  EXPECT_TRUE(twins_.contains(in->segment()));
  EXPECT_FALSE(twins_.contains(out->segment()));
  const auto turn = channel_->publish({in}, out.get());
  ASSERT_TRUE(turn);
  EXPECT_FALSE(turn->result);
  EXPECT_THROW(channel_->collect(*turn, *out), Error);
  EXPECT_TRUE(channel_->reason().empty());
}

TEST_F(SlabChannelTest, AUnitWithoutSuchTensorsTakesNoTurn) {
  open();
  EXPECT_FALSE(channel_->publish({}, nullptr));
}

TEST_F(SlabChannelTest, ADeadWorkersRoomIsTheNextOnes) {
  open(4 * kSegment);
  for (int start = 0; start < 10; ++start) {
    TensorArena outputs(ArenaLimits{2 * kSegment});
    const auto block = outputs.allocate(100);
    EXPECT_TRUE(channel_->twin(outputs.segments_from(0).front(), true)) << start;
    connect();
  }
  EXPECT_EQ(here_.calls["cudaMalloc"], 1);
  EXPECT_EQ(here_.calls["cudaIpcGetMemHandle"], 1);
}

TEST_F(SlabChannelTest, WhereCudaFailsUnitsGoOnThroughSharedMemory) {
  open();
  const auto in = input('a');
  here_.sticky = ipc::kLaunchFailure;
  EXPECT_FALSE(channel_->publish({in}, nullptr));
  EXPECT_TRUE(channel_->reason().starts_with("cudaMemcpyAsync"));
  here_.sticky = 0;
  here_.last_error();
  EXPECT_FALSE(channel_->publish({in}, nullptr)) << "it was given up";
  try {
    slabs_->open(0);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), channel_->reason());
  }
}

TEST_F(SlabChannelTest, AResultThatCannotBeFetchedIsTold) {
  open();
  const auto in = input('a');
  const auto out = output();
  const auto turn = channel_->publish({in}, out.get());
  work(*turn, *in, *out);
  here_.failures = {{"cudaStreamWaitEvent", ipc::kLaunchFailure}};
  EXPECT_THROW(channel_->collect(*turn, *out), Error);
  EXPECT_TRUE(channel_->reason().starts_with("cudaStreamWaitEvent"));
}

TEST_F(SlabChannelTest, AnAnswerWithAFailureClosesIt) {
  open();
  SlabChannel another(gpu_);
  EXPECT_THROW(another.check({"no such handle"}), Error);
  EXPECT_FALSE(another.is_checked());
  EXPECT_FALSE(another.twin({SegmentId{999}, kSegment, nullptr}, true));
}

TEST(GpuSlabs, AGpuThatCannotBeOpenedSaysWhyEachTime) {
  int asked = 0;
  GpuSlabs slabs([&]() -> ipc::CudaCalls& {
    ++asked;
    throw Error(ErrorCode::kUnsupported, "no CUDA here");
  });
  for (int i = 0; i < 3; ++i)
    EXPECT_THROW(slabs.open(0), Error);
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace tandem::coordinator
