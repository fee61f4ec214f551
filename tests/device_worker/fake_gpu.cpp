#include "tests/device_worker/fake_gpu.hpp"

#include <c10/util/Exception.h>

namespace tandem::worker {
namespace {

class FakeGraph : public GpuGraph {
 public:
  FakeGraph(FakeGpu::State& state, std::function<void()> work)
      : state_(state), work_(std::move(work)) {
    ++state_.graphs_alive;
    state_.reserved += state_.bytes_per_graph;
  }
  FakeGraph(const FakeGraph&) = delete;
  FakeGraph& operator=(const FakeGraph&) = delete;
  ~FakeGraph() override {
    --state_.graphs_alive;
    state_.reserved -= state_.bytes_per_graph;
  }

  void replay() override {
    ++state_.replays;
    work_();
  }

 private:
  FakeGpu::State& state_;
  std::function<void()> work_;
};

}  // namespace

std::optional<std::string> FakeGpu::pin(void* data, std::size_t, bool writable) {
  if (!state_.pin_failure) state_.pinned[data] = writable;
  return state_.pin_failure;
}

std::unique_ptr<GpuGraph> FakeGpu::capture(const std::function<void()>& work) {
  ++state_.captures;
  if (state_.before_capture) state_.before_capture();
  work();
  return std::make_unique<FakeGraph>(state_, work);
}

void throw_out_of_memory() {
  TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory.");
  std::abort();
}

void throw_cuda_error() {
  TORCH_CHECK(false, "CUDA error: unspecified");
  std::abort();
}

}  // namespace tandem::worker
