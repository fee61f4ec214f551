#include "ipc/cuda/runtime_calls.hpp"

#include <cstring>
#include <cuda_runtime_api.h>

namespace tandem::ipc {
namespace {

static_assert(sizeof(cudaIpcMemHandle_t) == kCudaHandleBytes);
static_assert(sizeof(cudaIpcEventHandle_t) == kCudaHandleBytes);

cudaEvent_t event_of(void* event) {
  return static_cast<cudaEvent_t>(event);
}

cudaStream_t stream_of(void* stream) {
  return static_cast<cudaStream_t>(stream);
}

template <class Handle>
Handle handle_of(const CudaHandle& bytes) {
  Handle handle;
  std::memcpy(&handle, bytes.data(), sizeof(handle));
  return handle;
}

class RuntimeCalls : public CudaCalls {
 public:
  int device_count(int& count) override { return cudaGetDeviceCount(&count); }
  int set_device(int position) override { return cudaSetDevice(position); }
  int last_error() override { return cudaGetLastError(); }
  const char* error_name(int error) override {
    return cudaGetErrorName(static_cast<cudaError_t>(error));
  }
  const char* error_text(int error) override {
    return cudaGetErrorString(static_cast<cudaError_t>(error));
  }

  int allocate(void*& data, std::size_t bytes) override { return cudaMalloc(&data, bytes); }
  int free(void* data) override { return cudaFree(data); }
  int export_memory(CudaHandle& handle, void* data) override {
    cudaIpcMemHandle_t exported{};
    const cudaError_t error = cudaIpcGetMemHandle(&exported, data);
    std::memcpy(handle.data(), &exported, sizeof(exported));
    return error;
  }
  int import_memory(void*& data, const CudaHandle& handle) override {
    return cudaIpcOpenMemHandle(&data, handle_of<cudaIpcMemHandle_t>(handle),
                                cudaIpcMemLazyEnablePeerAccess);
  }
  int close_memory(void* data) override { return cudaIpcCloseMemHandle(data); }

  int create_event(void*& event) override {
    cudaEvent_t made = nullptr;
    const cudaError_t error =
        cudaEventCreateWithFlags(&made, cudaEventInterprocess | cudaEventDisableTiming);
    event = made;
    return error;
  }
  int destroy_event(void* event) override { return cudaEventDestroy(event_of(event)); }
  int export_event(CudaHandle& handle, void* event) override {
    cudaIpcEventHandle_t exported{};
    const cudaError_t error = cudaIpcGetEventHandle(&exported, event_of(event));
    std::memcpy(handle.data(), &exported, sizeof(exported));
    return error;
  }
  int import_event(void*& event, const CudaHandle& handle) override {
    cudaEvent_t opened = nullptr;
    const cudaError_t error =
        cudaIpcOpenEventHandle(&opened, handle_of<cudaIpcEventHandle_t>(handle));
    event = opened;
    return error;
  }
  int record_event(void* event, void* stream) override {
    return cudaEventRecord(event_of(event), stream_of(stream));
  }
  int wait_event(void* stream, void* event) override {
    return cudaStreamWaitEvent(stream_of(stream), event_of(event), 0);
  }
  int query_event(void* event) override { return cudaEventQuery(event_of(event)); }
  int synchronize_event(void* event) override { return cudaEventSynchronize(event_of(event)); }

  int create_stream(void*& stream) override {
    cudaStream_t made = nullptr;
    const cudaError_t error = cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking);
    stream = made;
    return error;
  }
  int destroy_stream(void* stream) override { return cudaStreamDestroy(stream_of(stream)); }
  int synchronize_stream(void* stream) override { return cudaStreamSynchronize(stream_of(stream)); }
  int copy(void* to, const void* from, std::size_t bytes, CopyKind kind, void* stream) override {
    return cudaMemcpyAsync(to, from, bytes, static_cast<cudaMemcpyKind>(kind), stream_of(stream));
  }

  int register_host(void* data, std::size_t bytes, bool writable) override {
    const unsigned read_only = writable ? 0U : cudaHostRegisterReadOnly;
    return cudaHostRegister(data, bytes, cudaHostRegisterDefault | read_only);
  }
  int unregister_host(void* data) override { return cudaHostUnregister(data); }
};

}  // namespace

CudaCalls& runtime_calls() {
  // Never destroyed: what it made may be given back at the very end.
  static auto* calls = new RuntimeCalls;
  return *calls;
}

}  // namespace tandem::ipc
