#include <cstring>
#include <functional>

#include <gtest/gtest.h>

#include "ipc/transport/cuda_ipc/slab_link.hpp"
#include "ipc/transport/cuda_ipc/slab_view.hpp"
#include "protocol/error.hpp"
#include "tests/ipc/cuda/fake_cuda.hpp"

namespace tandem::ipc {
namespace {

constexpr std::size_t kBytes = 1 << 20;

std::string words_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

// A coordinator, and a worker as another process.
class SlabTest : public ::testing::Test {
 protected:
  SlabTest() { there_.create_stream(stream_); }

  ~SlabTest() override {
    view_.reset();
    link_.reset();
    slab_.reset();
    EXPECT_EQ(gpus_.undefined, 0);
    EXPECT_EQ(here_.left_behind(), here_.sticky);
    EXPECT_EQ(there_.left_behind(), there_.sticky);
  }

  void make_link() {
    if (!slab_) slab_ = std::make_shared<Slab>(here_, 1, kBytes);
    link_ = std::make_unique<SlabLink>(slab_);
  }
  void import(FakeCuda& process) {
    view_ = std::make_unique<SlabView>(process, 1, stream_, link_->offer());
  }
  void connect() {
    make_link();
    import(there_);
    link_->check();
  }

  FakeGpus gpus_;
  FakeCuda here_{gpus_};
  FakeCuda there_{gpus_};
  void* stream_ = nullptr;  // of the worker's work
  std::shared_ptr<Slab> slab_;
  std::unique_ptr<SlabLink> link_;
  std::unique_ptr<SlabView> view_;
};

TEST_F(SlabTest, TheWorkerImportsOnceWhatTheCoordinatorMade) {
  connect();
  EXPECT_EQ(here_.calls["cudaMalloc"], 1);
  EXPECT_EQ(here_.calls["cudaIpcGetMemHandle"], 1);
  EXPECT_EQ(there_.calls["cudaIpcOpenMemHandle"], 1);
  EXPECT_EQ(here_.calls["cudaEventCreateWithFlags"], static_cast<int>(2 * kSlabTurns));
  EXPECT_EQ(there_.calls["cudaIpcOpenEventHandle"], static_cast<int>(2 * kSlabTurns));
  for (const char* exporting : {"cudaMalloc", "cudaIpcGetMemHandle", "cudaEventCreateWithFlags"})
    EXPECT_EQ(there_.calls[exporting], 0) << exporting;
}

TEST_F(SlabTest, BytesTravelBothWaysBehindTheEventsOfTheirTurn) {
  connect();
  const std::size_t events = gpus_.events.size();
  const Slot input = *slab_->take(1000);
  const Slot output = *slab_->take(1000);
  std::vector<std::byte> state(1000);
  std::vector<std::byte> back(1000);
  // Known to the driver, so that copies are done as late as may be.
  const CudaObject pinned = slab_->device().register_host(state.data(), state.size(), true);
  const CudaObject pinned_back = slab_->device().register_host(back.data(), back.size(), true);
  for (std::size_t unit = 0; unit < 3 * kSlabTurns; ++unit) {
    const std::size_t turn = unit % kSlabTurns;
    std::memset(state.data(), static_cast<int>(unit + 1), state.size());
    link_->upload(input.offset, state.data(), state.size(), CopyKind::kToDevice);
    link_->announce(turn);
    view_->wait_for_inputs(turn);
    there_.copy(view_->at(output.offset, 1000), view_->at(input.offset, 1000), 1000,
                CopyKind::kOnDevice, stream_);
    view_->finish_result(turn);
    link_->fetch(turn, output.offset, back.data(), back.size(), CopyKind::kToHost);
    EXPECT_EQ(back, state) << unit;
  }
  EXPECT_EQ(gpus_.events.size(), events) << "no event is made for a unit";
}

TEST_F(SlabTest, ACallThatFailsIsNamedAndItsErrorForgotten) {
  for (const char* call : {"cudaMalloc", "cudaStreamCreateWithFlags", "cudaIpcGetMemHandle",
                           "cudaEventCreateWithFlags", "cudaIpcGetEventHandle", "cudaEventRecord",
                           "cudaMemcpyAsync", "cudaStreamSynchronize"}) {
    slab_.reset();
    here_.failures = {{call, kNotSupported}};
    const std::string words = words_of([&] { make_link(); });
    EXPECT_TRUE(words.starts_with(call)) << words;
    EXPECT_EQ(here_.left_behind(), 0) << call;
    here_.failures.clear();
  }
}

TEST_F(SlabTest, AnImportThatFailsIsNamedAndItsErrorForgotten) {
  for (const char* call : {"cudaGetDeviceCount", "cudaIpcOpenMemHandle", "cudaIpcOpenEventHandle",
                           "cudaStreamWaitEvent", "cudaMemcpyAsync", "cudaStreamSynchronize",
                           "cudaEventRecord", "cudaEventSynchronize"}) {
    make_link();
    there_.failures = {{call, kInvalidResourceHandle}};
    const std::string words = words_of([&] { import(there_); });
    EXPECT_TRUE(words.starts_with(call)) << words;
    EXPECT_EQ(there_.left_behind(), 0) << call;
  }
  there_.failures.clear();
  EXPECT_NO_THROW(connect());
}

TEST_F(SlabTest, TheExportingProcessCannotImport) {
  make_link();
  void* data = nullptr;
  EXPECT_NE(here_.import_memory(data, link_->offer().memory), 0);
  EXPECT_NE(here_.last_error(), 0);
}

TEST_F(SlabTest, BytesThatDoNotArriveAtTheWorkerAreNoticedThere) {
  make_link();
  there_.corrupts_copies = true;
  EXPECT_EQ(words_of([&] { import(there_); }), "the coordinator's bytes do not arrive");
}

TEST_F(SlabTest, BytesThatDoNotComeBackAreNoticedHere) {
  make_link();
  import(there_);
  here_.corrupts_copies = true;
  EXPECT_EQ(words_of([&] { link_->check(); }), "the worker's bytes do not arrive");
}

TEST_F(SlabTest, AWorkerThatWroteNothingIsNoticed) {
  make_link();
  EXPECT_EQ(words_of([&] { link_->check(); }), "the worker's bytes do not arrive");
}

TEST_F(SlabTest, AnEventThatDoesNotArriveIsNoticed) {
  make_link();
  import(there_);
  here_.failures = {{"cudaEventQuery", kNotReady}};
  EXPECT_EQ(words_of([&] { link_->check(); }), "an event of the worker's does not arrive");
}

TEST_F(SlabTest, TheSlabOutlivesAWorkerAndIsImportedAnew) {
  connect();
  const CudaHandle handle = slab_->handle();
  // Killed: nothing of it is given back by itself; the kernel takes its imports away.
  FakeCuda next(gpus_);
  view_.reset();
  link_.reset();
  make_link();
  EXPECT_EQ(link_->offer().memory, handle);
  import(next);
  EXPECT_NO_THROW(link_->check());
  view_.reset();
}

TEST_F(SlabTest, EachStartIsCheckedWithOtherBytes) {
  make_link();
  const std::uint64_t seed = link_->offer().check_seed;
  make_link();
  EXPECT_NE(link_->offer().check_seed, seed);
}

TEST_F(SlabTest, AFullSlabSaysSo) {
  connect();
  const auto all = slab_->take(kBytes);
  EXPECT_FALSE(all);
  const auto most = slab_->take(kBytes - 2 * kSlabCheckBytes);
  ASSERT_TRUE(most);
  EXPECT_TRUE(slab_->take(kSlabCheckBytes));
  EXPECT_EQ(words_of([&] { SlabLink another(slab_); }), "the slab is full");
}

TEST_F(SlabTest, PlacesOutsideTheSlabAreRefused) {
  connect();
  EXPECT_NO_THROW(view_->at(kBytes - 10, 10));
  EXPECT_THROW(view_->at(kBytes - 10, 11), Error);
  EXPECT_THROW(view_->at(kBytes + 1, 0), Error);
  EXPECT_THROW(view_->at(0, kBytes + 1), Error);
}

TEST_F(SlabTest, ALostContextFailsEveryCall) {
  connect();
  here_.sticky = kLaunchFailure;
  std::byte byte{};
  EXPECT_FALSE(words_of([&] { link_->upload(0, &byte, 1, CopyKind::kToDevice); }).empty());
  EXPECT_FALSE(words_of([&] { link_->fetch(0, 0, &byte, 1, CopyKind::kToHost); }).empty());
}

TEST(CudaDevice, IsOneOfThoseThatAreVisible) {
  FakeGpus gpus{.count = 2, .streams = {}, .events = {}, .memories = {}};
  FakeCuda calls(gpus);
  EXPECT_NO_THROW(CudaDevice(calls, 1));
  EXPECT_THROW(CudaDevice(calls, 2), Error);
  EXPECT_THROW(CudaDevice(calls, -1), Error);
}

TEST(CudaDevice, RegistersMemoryUntilTheObjectEnds) {
  FakeGpus gpus;
  FakeCuda calls(gpus);
  CudaDevice device(calls, 0);
  std::byte page[64]{};
  {
    const CudaObject pinned = device.register_host(page, sizeof(page), true);
    EXPECT_TRUE(calls.registered().contains(page));
    EXPECT_THROW(device.register_host(page, sizeof(page), true), Error);
    EXPECT_EQ(calls.left_behind(), 0);
  }
  EXPECT_TRUE(calls.registered().empty());
}

}  // namespace
}  // namespace tandem::ipc
