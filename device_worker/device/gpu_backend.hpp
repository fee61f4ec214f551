// What a GPU worker needs of CUDA beside LibTorch's dispatcher. It is implemented in a module of
// its own (device_worker/cuda), so that no program links a CUDA library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ipc/cuda/calls.hpp"

namespace tandem::worker {

struct GpuDescription {
  std::string name;          // "NVIDIA H100 80GB HBM3"
  bool has_bfloat16 = true;  // in hardware: compute capability 8.0 and above
};

struct GpuMemory {
  std::uint64_t total = 0;     // bytes of the device
  std::uint64_t free = 0;      // of these, held by no process: what the driver says
  std::uint64_t reserved = 0;  // held by this process's allocator, in use or cached
};

// Allocations that found no room, also after the allocator's cache was emptied.
struct FailedAllocations {
  int count = 0;
  std::uint64_t needed = 0;  // bytes that the last one asked for
  std::uint64_t free = 0;    // bytes of the device that were free then
};

// Recorded kernels with the addresses they worked on.
class GpuGraph {
 public:
  virtual ~GpuGraph() = default;
  // Queues all of them at once.
  virtual void replay() = 0;
};

// One GPU, used by the thread that made it. Work is queued on one stream, which is the thread's
// current stream from then on; so it is done in order. What fails throws c10::Error.
class GpuBackend {
 public:
  virtual ~GpuBackend() = default;

  virtual GpuDescription describe() const = 0;
  virtual GpuMemory memory() const = 0;
  // Waits for all that was queued.
  virtual void synchronize() = 0;
  // Gives cached memory that nothing uses back to the driver.
  virtual void empty_cache() = 0;

  // Those since the last call; also where LibTorch then took an algorithm that needs less memory,
  // without a word.
  virtual FailedAllocations take_failed_allocations() = 0;
  // What a context that no call can use any more says; nothing where it is sound. After an answer
  // no call may follow.
  virtual std::optional<std::string> broken() noexcept = 0;

  // Makes memory of this process known to the driver, so that copies of it are asynchronous and
  // need no staging. Nothing, or why it was not possible. Forgotten by unpin() before it is
  // unmapped.
  virtual std::optional<std::string> pin(void* data, std::size_t bytes, bool writable) = 0;
  virtual void unpin(void* data) noexcept = 0;

  // For what travels through GPU memory of another process.
  virtual ipc::CudaCalls& cuda() = 0;
  virtual int position() const = 0;
  virtual void* stream() const = 0;

  // Records what `work` queues, without running it. It must not wait for the device, and tensors
  // that were made outside must stay where they are as long as the graph is used.
  virtual std::unique_ptr<GpuGraph> capture(const std::function<void()>& work) = 0;
};

// A function of the module, under the name kGpuBackendFactory: the GPU at a position among
// the visible ones. nullptr where `version` is not the module's; throws tandem::Error(kNoWorker)
// where there is no such GPU, or no driver.
using GpuBackendFactory = GpuBackend*(int version, int position);
inline constexpr int kGpuBackendVersion = 2;
inline constexpr const char* kGpuBackendFactory = "tandem_gpu_backend";

// The other, under the name kGpuName: what the driver calls the GPU at a position, without opening
// it. Leaves `name` as it is where the driver does not tell.
using GpuName = void(int position, std::string& name);
inline constexpr const char* kGpuName = "tandem_gpu_name";

inline constexpr const char* kGpuModuleFile = "libtandem_cuda.so";

}  // namespace tandem::worker
