// The calls of CUDA's runtime that transports need, as they are documented. The one implementation
// over a driver is a module of its own (runtime_calls.cpp), so that no program links CUDA; tests
// have one without a GPU.
#pragma once

#include <cstddef>

#include "protocol/slab_offer.hpp"

namespace tandem::ipc {

// The values of cudaMemcpyKind.
enum class CopyKind : int { kToDevice = 1, kToHost = 2, kOnDevice = 3 };

// Streams and events are the runtime's pointers. Every call gives a cudaError_t, 0 for success;
// one that fails leaves its error behind until last_error() takes it.
class CudaCalls {
 public:
  virtual ~CudaCalls() = default;

  virtual int device_count(int& count) = 0;
  // For the calls of this thread that follow.
  virtual int set_device(int position) = 0;
  virtual int last_error() = 0;
  virtual const char* error_name(int error) = 0;
  virtual const char* error_text(int error) = 0;

  // cudaMalloc: memory of the stream-ordered and virtual-memory allocators can't be exported.
  virtual int allocate(void*& data, std::size_t bytes) = 0;
  virtual int free(void* data) = 0;
  virtual int export_memory(CudaHandle& handle, void* data) = 0;
  // With lazy peer access.
  virtual int import_memory(void*& data, const CudaHandle& handle) = 0;
  virtual int close_memory(void* data) = 0;

  // Interprocess, without timing.
  virtual int create_event(void*& event) = 0;
  virtual int destroy_event(void* event) = 0;
  virtual int export_event(CudaHandle& handle, void* event) = 0;
  virtual int import_event(void*& event, const CudaHandle& handle) = 0;
  virtual int record_event(void* event, void* stream) = 0;
  virtual int wait_event(void* stream, void* event) = 0;
  virtual int query_event(void* event) = 0;
  virtual int synchronize_event(void* event) = 0;

  // Not ordered with the default stream.
  virtual int create_stream(void*& stream) = 0;
  virtual int destroy_stream(void* stream) = 0;
  virtual int synchronize_stream(void* stream) = 0;
  virtual int copy(void* to, const void* from, std::size_t bytes, CopyKind kind, void* stream) = 0;

  virtual int register_host(void* data, std::size_t bytes, bool writable) = 0;
  virtual int unregister_host(void* data) = 0;
};

// The one function of the module, under the name kCudaCallsFactory; nullptr where `version` is not
// the module's. What it gives lives as long as the process.
using CudaCallsFactory = CudaCalls*(int version);
inline constexpr int kCudaCallsVersion = 1;
inline constexpr const char* kCudaCallsFactory = "tandem_cuda_calls";
inline constexpr const char* kCudaCallsFile = "libtandem_cuda_ipc.so";

}  // namespace tandem::ipc
