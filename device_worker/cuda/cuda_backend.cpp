// libtandem_cuda.so: the GPU that a worker computes on.
#include <cuda_runtime_api.h>

#include <ATen/Context.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include "device_worker/cuda/cuda_graph.hpp"
#include "device_worker/device/gpu_backend.hpp"
#include "ipc/cuda/runtime_calls.hpp"
#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;

constexpr int kFirstWithBfloat16 = 8;  // compute capability of Ampere

std::optional<std::string> error_text(cudaError_t error) {
  if (error == cudaSuccess) return std::nullopt;
  return std::string(cudaGetErrorString(error)) + " (" + cudaGetErrorName(error) + ")";
}

// Without LibTorch, which remembers for good that there was no device.
c10::DeviceIndex existing_device(int position) {
  int count = 0;
  const auto failure = error_text(cudaGetDeviceCount(&count));
  if (failure) {
    throw Error(ErrorCode::kNoWorker, "No NVIDIA GPU can be used: " + *failure + ".",
                "`nvidia-smi` shows what the driver sees; Tandem needs a driver for CUDA 13.");
  }
  if (position < 0 || position >= count) {
    throw Error(ErrorCode::kNoWorker,
                "There is no GPU at position " + std::to_string(position) + ": " +
                    std::to_string(count) + (count == 1 ? " is" : " are") + " visible.",
                "CUDA_VISIBLE_DEVICES and --cuda-device choose which are visible.");
  }
  return static_cast<c10::DeviceIndex>(position);
}

class CudaBackend : public GpuBackend {
 public:
  explicit CudaBackend(int position) : device_(existing_device(position)) {
    at::globalContext().lazyInitDevice(at::kCUDA);
    c10::cuda::set_device(device_);
    stream_ = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device_);
    c10::cuda::setCurrentCUDAStream(*stream_);
    allocator::attachOutOfMemoryObserver(
        [this](std::int64_t, std::size_t needed, std::size_t, std::size_t free) {
          failed_ = {failed_.count + 1, needed, free};
        });
  }

  GpuDescription describe() const override {
    cudaDeviceProp properties{};
    C10_CUDA_CHECK(cudaGetDeviceProperties(&properties, device_));
    return {properties.name, properties.major >= kFirstWithBfloat16};
  }

  GpuMemory memory() const override {
    std::size_t free = 0;
    std::size_t total = 0;
    C10_CUDA_CHECK(cudaMemGetInfo(&free, &total));
    const auto stats = allocator::getDeviceStats(device_);
    const auto all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    return {total, free, static_cast<std::uint64_t>(stats.reserved_bytes.at(all).current)};
  }

  void synchronize() override { stream_->synchronize(); }
  void empty_cache() override { allocator::emptyCache(); }

  FailedAllocations take_failed_allocations() override { return std::exchange(failed_, {}); }

  std::optional<std::string> broken() noexcept override {
    // An error that belongs to one call is forgotten by asking for it; one that stays comes again.
    C10_CUDA_CLEAR_ERROR();
    return error_text(cudaStreamSynchronize(stream_->stream()));
  }

  std::optional<std::string> pin(void* data, std::size_t bytes, bool writable) override {
    const unsigned flags =
        writable ? cudaHostRegisterDefault : cudaHostRegisterDefault | cudaHostRegisterReadOnly;
    auto failure = error_text(cudaHostRegister(data, bytes, flags));
    if (failure) C10_CUDA_CLEAR_ERROR();
    return failure;
  }

  void unpin(void* data) noexcept override { C10_CUDA_IGNORE_ERROR(cudaHostUnregister(data)); }

  ipc::CudaCalls& cuda() override { return ipc::runtime_calls(); }
  int position() const override { return device_; }
  void* stream() const override { return stream_->stream(); }

  std::unique_ptr<GpuGraph> capture(const std::function<void()>& work) override {
    return capture_cuda_graph(device_, work);
  }

 private:
  c10::DeviceIndex device_;
  std::optional<c10::cuda::CUDAStream> stream_;
  FailedAllocations failed_;
};

}  // namespace
}  // namespace tandem::worker

extern "C" __attribute__((visibility("default"))) tandem::worker::GpuBackend* tandem_gpu_backend(
    int version, int position) {
  if (version != tandem::worker::kGpuBackendVersion) return nullptr;
  return new tandem::worker::CudaBackend(position);
}

extern "C" __attribute__((visibility("default"))) void tandem_gpu_name(int position,
                                                                       std::string& name) {
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, position) == cudaSuccess) name = properties.name;
}
