// A GPU back end without a GPU: its graphs run their work again, its failures are asked for.
#pragma once

#include <map>
#include <vector>

#include "device_worker/device/gpu_backend.hpp"
#include "tests/ipc/cuda/fake_cuda.hpp"

namespace tandem::worker {

class FakeGpu : public GpuBackend {
 public:
  // What happens to it, seen and set from outside.
  struct State {
    int graphs_alive = 0;
    int captures = 0;
    int replays = 0;
    int emptied = 0;
    std::uint64_t reserved = 0;
    std::uint64_t bytes_per_graph = 0;
    FailedAllocations failed;
    std::optional<std::string> broken;
    std::optional<std::string> pin_failure;
    std::function<void()> before_capture;  // may throw
    std::map<const void*, bool> pinned;    // writable?
    ipc::FakeGpus gpus;
    ipc::FakeCuda cuda{gpus};
    void* stream = nullptr;
  };

  explicit FakeGpu(State& state) : state_(state) {}

  GpuDescription describe() const override { return {"a GPU", false}; }
  GpuMemory memory() const override { return {1 << 20, 1 << 19, state_.reserved}; }
  void synchronize() override {}
  void empty_cache() override { ++state_.emptied; }
  FailedAllocations take_failed_allocations() override { return std::exchange(state_.failed, {}); }
  std::optional<std::string> broken() noexcept override { return state_.broken; }
  std::optional<std::string> pin(void* data, std::size_t, bool writable) override;
  void unpin(void* data) noexcept override { state_.pinned.erase(data); }
  ipc::CudaCalls& cuda() override { return state_.cuda; }
  int position() const override { return 0; }
  void* stream() const override { return state_.stream; }
  std::unique_ptr<GpuGraph> capture(const std::function<void()>& work) override;

 private:
  State& state_;
};

// As LibTorch throws them.
[[noreturn]] void throw_out_of_memory();
[[noreturn]] void throw_cuda_error();

}  // namespace tandem::worker
