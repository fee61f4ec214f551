// "Header" below is CUDA 13.0's cuda_runtime_api.h, where NVIDIA documents each call.
#include "tests/ipc/cuda/fake_cuda.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace tandem::ipc {
namespace {

template <class Object>
CudaHandle handle_of(const Object* object) {
  CudaHandle handle{};
  std::memcpy(handle.data(), &object, sizeof(object));
  return handle;
}

// nullptr where the handle is none of these objects'.
template <class Object>
Object* object_of(const CudaHandle& handle, const std::vector<std::unique_ptr<Object>>& objects) {
  Object* object = nullptr;
  std::memcpy(&object, handle.data(), sizeof(object));
  const auto is_it = [object](const auto& held) { return held.get() == object; };
  return std::ranges::any_of(objects, is_it) ? object : nullptr;
}

FakeGpus::Stream* stream_of(void* stream) {
  return static_cast<FakeGpus::Stream*>(stream);
}

}  // namespace

void FakeGpus::Stream::add(std::function<void()> work) {
  queue.push_back(std::move(work));
  ++queued;
}

void FakeGpus::Stream::run_until(std::size_t position) {
  while (done < position) {
    const auto work = std::move(queue.front());
    queue.pop_front();
    work();
    ++done;
  }
}

void FakeGpus::Event::run() const {
  if (stream != nullptr) stream->run_until(position);
}

int FakeCuda::answer(const char* name, int error) {
  ++calls[name];
  if (const auto asked = failures.find(name); asked != failures.end()) error = asked->second;
  // Header, cudaErrorLaunchFailure: "This leaves the process in an inconsistent state and any
  // further CUDA work will return the same error."
  if (sticky != 0) error = sticky;
  if (error != 0) error_ = error;
  return error;
}

int FakeCuda::device_count(int& count) {
  count = gpus_.count;
  return answer("cudaGetDeviceCount");
}

int FakeCuda::set_device(int position) {
  return answer("cudaSetDevice", position < gpus_.count ? 0 : kInvalidDevice);
}

// Header, cudaGetLastError: "Returns the last error that has been produced by any of the runtime
// calls [...] and resets it to cudaSuccess."
int FakeCuda::last_error() {
  return std::exchange(error_, sticky);
}

const char* FakeCuda::error_name(int) {
  return "cudaErrorFake";
}

const char* FakeCuda::error_text(int) {
  return "as asked";
}

int FakeCuda::allocate(void*& data, std::size_t bytes) {
  if (const int error = answer("cudaMalloc"); error != 0) return error;
  gpus_.memories.push_back(std::make_unique<FakeGpus::Memory>());
  gpus_.memories.back()->bytes.resize(bytes);
  data = gpus_.memories.back()->bytes.data();
  own_[data] = gpus_.memories.back().get();
  return 0;
}

int FakeCuda::free(void* data) {
  if (const int error = answer("cudaFree", own_.contains(data) ? 0 : kInvalidValue); error != 0)
    return error;
  // Header, cudaIpcOpenMemHandle: "Calling cudaFree on an exported memory region before calling
  // cudaIpcCloseMemHandle in the importing context will result in undefined behavior."
  if (own_[data]->imports > 0) ++gpus_.undefined;
  own_[data]->alive = false;
  own_.erase(data);
  return 0;
}

// Header, cudaIpcGetMemHandle: "Takes a pointer to the base of an existing device memory
// allocation created with cudaMalloc".
int FakeCuda::export_memory(CudaHandle& handle, void* data) {
  const int error = answer("cudaIpcGetMemHandle", own_.contains(data) ? 0 : kInvalidValue);
  if (error == 0) handle = handle_of(own_[data]);
  return error;
}

// Header, cudaIpcOpenMemHandle, returns cudaErrorInvalidResourceHandle for a handle that is none.
// In the process that exported it: "invalid device context", openucx/ucx#11603.
int FakeCuda::import_memory(void*& data, const CudaHandle& handle) {
  FakeGpus::Memory* memory = object_of(handle, gpus_.memories);
  int error = memory != nullptr && memory->alive ? 0 : kInvalidResourceHandle;
  if (error == 0 && own_.contains(memory->bytes.data())) error = kDeviceUninitialized;
  if (error = answer("cudaIpcOpenMemHandle", error); error != 0) return error;
  data = memory->bytes.data();
  ++memory->imports;
  imported_[data] = memory;
  return 0;
}

int FakeCuda::close_memory(void* data) {
  const int error = answer("cudaIpcCloseMemHandle", imported_.contains(data) ? 0 : kInvalidValue);
  if (error != 0) return error;
  --imported_[data]->imports;
  imported_.erase(data);
  return 0;
}

int FakeCuda::create_event(void*& event) {
  if (const int error = answer("cudaEventCreateWithFlags"); error != 0) return error;
  gpus_.events.push_back(std::make_unique<FakeGpus::Event>());
  event = gpus_.events.back().get();
  events_[event] = false;
  return 0;
}

int FakeCuda::destroy_event(void* event) {
  const int error =
      answer("cudaEventDestroy", events_.contains(event) ? 0 : kInvalidResourceHandle);
  if (error != 0) return error;
  if (!events_[event]) static_cast<FakeGpus::Event*>(event)->alive = false;
  events_.erase(event);
  return 0;
}

int FakeCuda::export_event(CudaHandle& handle, void* event) {
  const int error = answer("cudaIpcGetEventHandle");
  if (error == 0) handle = handle_of(used(event));
  return error;
}

int FakeCuda::import_event(void*& event, const CudaHandle& handle) {
  FakeGpus::Event* found = object_of(handle, gpus_.events);
  const int error = answer("cudaIpcOpenEventHandle", found != nullptr ? 0 : kInvalidValue);
  if (error != 0) return error;
  event = found;
  events_[event] = true;
  return 0;
}

// Header, cudaIpcOpenEventHandle: "Performing operations on the imported event after the exported
// event has been freed with cudaEventDestroy will result in undefined behavior."
FakeGpus::Event* FakeCuda::used(void* event) {
  auto* found = static_cast<FakeGpus::Event*>(event);
  if (!found->alive) ++gpus_.undefined;
  return found;
}

// Header, cudaEventRecord: "Captures in event the contents of stream at the time of this call."
int FakeCuda::record_event(void* event, void* stream) {
  const int error = answer("cudaEventRecord");
  if (error != 0) return error;
  FakeGpus::Event* found = used(event);
  found->stream = stream_of(stream);
  found->position = found->stream->queued;
  return 0;
}

// Header, cudaStreamWaitEvent: "Makes all future work submitted to stream wait for all work
// captured in event." Later records have no effect on it; without a record it does nothing.
int FakeCuda::wait_event(void* stream, void* event) {
  const int error = answer("cudaStreamWaitEvent");
  if (error != 0) return error;
  stream_of(stream)->add([captured = *used(event)] { captured.run(); });
  return 0;
}

// Header, cudaEventQuery: "Returns cudaSuccess if all captured work has been completed, or
// cudaErrorNotReady if any captured work is incomplete."
int FakeCuda::query_event(void* event) {
  return answer("cudaEventQuery", used(event)->is_done() ? 0 : kNotReady);
}

int FakeCuda::synchronize_event(void* event) {
  const int error = answer("cudaEventSynchronize");
  if (error == 0) used(event)->run();
  return error;
}

int FakeCuda::create_stream(void*& stream) {
  if (const int error = answer("cudaStreamCreateWithFlags"); error != 0) return error;
  gpus_.streams.push_back(std::make_unique<FakeGpus::Stream>());
  stream = gpus_.streams.back().get();
  return 0;
}

int FakeCuda::destroy_stream(void*) {
  return answer("cudaStreamDestroy");
}

int FakeCuda::synchronize_stream(void* stream) {
  const int error = answer("cudaStreamSynchronize");
  if (error == 0) stream_of(stream)->run_until(stream_of(stream)->queued);
  return error;
}

// CUDA Runtime API, "API synchronization behavior": from pageable memory the bytes may be staged
// before the call returns; to pageable memory it returns once the copy is done. Else it is queued.
int FakeCuda::copy(void* to, const void* from, std::size_t bytes, CopyKind kind, void* stream) {
  if (const int error = answer("cudaMemcpyAsync"); error != 0) return error;
  FakeGpus::Stream& queue = *stream_of(stream);
  const bool zero = corrupts_copies;
  if (kind == CopyKind::kToDevice && !is_registered(from)) {
    const auto* first = static_cast<const std::byte*>(from);
    queue.add([to, zero, staged = std::vector<std::byte>(first, first + bytes)] {
      std::memcpy(to, staged.data(), staged.size());
      if (zero) std::memset(to, 0, staged.size());
    });
    return 0;
  }
  queue.add([=] {
    std::memmove(to, from, bytes);
    if (zero) std::memset(to, 0, bytes);
  });
  if (kind == CopyKind::kToHost && !is_registered(to)) queue.run_until(queue.queued);
  return 0;
}

int FakeCuda::register_host(void* data, std::size_t bytes, bool) {
  const int known = is_registered(data) ? kHostMemoryAlreadyRegistered : 0;
  const int error = answer("cudaHostRegister", known);
  if (error == 0) registered_[static_cast<std::byte*>(data)] = bytes;
  return error;
}

int FakeCuda::unregister_host(void* data) {
  const bool known = registered_.erase(static_cast<std::byte*>(data)) > 0;
  return answer("cudaHostUnregister", known ? 0 : kHostMemoryNotRegistered);
}

bool FakeCuda::is_registered(const void* data) const {
  const auto* place = static_cast<const std::byte*>(data);
  return std::ranges::any_of(registered_, [place](const auto& range) {
    return place >= range.first && place < range.first + range.second;
  });
}

}  // namespace tandem::ipc
