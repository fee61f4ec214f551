// CUDA's runtime without a GPU: GPUs that processes share, and what one process calls. Each answer
// is the documented one; fake_cuda.cpp says where that is.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ipc/cuda/calls.hpp"

namespace tandem::ipc {

// Work on streams is done as late as is allowed: when something waits for it. What nobody orders
// before something else is not done before it.
struct FakeGpus {
  struct Stream {
    std::deque<std::function<void()>> queue;
    std::size_t queued = 0;  // since its making
    std::size_t done = 0;

    void add(std::function<void()> work);
    void run_until(std::size_t position);
  };
  struct Event {
    Stream* stream = nullptr;  // of the last record, and where in it
    std::size_t position = 0;
    bool alive = true;  // its maker has it

    bool is_done() const { return stream == nullptr || stream->done >= position; }
    void run() const;
  };
  struct Memory {
    std::vector<std::byte> bytes;
    int imports = 0;
    bool alive = true;
  };

  int count = 2;
  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<std::unique_ptr<Event>> events;
  std::vector<std::unique_ptr<Memory>> memories;
  int undefined = 0;  // calls whose behaviour CUDA does not define
};

// A process of its own.
class FakeCuda : public CudaCalls {
 public:
  explicit FakeCuda(FakeGpus& gpus) : gpus_(gpus) {}

  // Calls of this name fail so: "cudaMalloc".
  std::map<std::string, int> failures;
  // How often each was called.
  std::map<std::string, int> calls;
  int sticky = 0;                // every call fails so: the context is lost
  bool corrupts_copies = false;  // they leave zeros
  // The error that the last failed call left, if nothing took it.
  int left_behind() const { return error_; }
  const std::map<std::byte*, std::size_t>& registered() const { return registered_; }

  int device_count(int& count) override;
  int set_device(int position) override;
  int last_error() override;
  const char* error_name(int error) override;
  const char* error_text(int error) override;
  int allocate(void*& data, std::size_t bytes) override;
  int free(void* data) override;
  int export_memory(CudaHandle& handle, void* data) override;
  int import_memory(void*& data, const CudaHandle& handle) override;
  int close_memory(void* data) override;
  int create_event(void*& event) override;
  int destroy_event(void* event) override;
  int export_event(CudaHandle& handle, void* event) override;
  int import_event(void*& event, const CudaHandle& handle) override;
  int record_event(void* event, void* stream) override;
  int wait_event(void* stream, void* event) override;
  int query_event(void* event) override;
  int synchronize_event(void* event) override;
  int create_stream(void*& stream) override;
  int destroy_stream(void* stream) override;
  int synchronize_stream(void* stream) override;
  int copy(void* to, const void* from, std::size_t bytes, CopyKind kind, void* stream) override;
  int register_host(void* data, std::size_t bytes, bool writable) override;
  int unregister_host(void* data) override;

 private:
  int answer(const char* name, int error = 0);
  bool is_registered(const void* data) const;
  FakeGpus::Event* used(void* event);

  FakeGpus& gpus_;
  int error_ = 0;
  std::map<void*, FakeGpus::Memory*> own_;
  std::map<void*, FakeGpus::Memory*> imported_;
  std::map<void*, bool> events_;  // imported?
  std::map<std::byte*, std::size_t> registered_;
};

// Values of cudaError_t.
inline constexpr int kInvalidValue = 1;
inline constexpr int kMemoryAllocation = 2;
inline constexpr int kInvalidDevice = 101;
inline constexpr int kDeviceUninitialized = 201;
inline constexpr int kInvalidResourceHandle = 400;
inline constexpr int kNotReady = 600;
inline constexpr int kHostMemoryAlreadyRegistered = 712;
inline constexpr int kHostMemoryNotRegistered = 713;
inline constexpr int kLaunchFailure = 719;
inline constexpr int kNotSupported = 801;

}  // namespace tandem::ipc
