#include "ipc/cuda/device.hpp"

#include <string>

#include "protocol/error.hpp"

namespace tandem::ipc {
namespace {

constexpr int kCudaErrorNotReady = 600;

std::string words_of(CudaCalls& calls, const char* name, int error) {
  return std::string(name) + ": " + calls.error_text(error) + " (" + calls.error_name(error) + ")";
}

}  // namespace

void CudaRelease::operator()(void* object) const noexcept {
  CudaCalls& calls = device->calls_;
  static_cast<void>(calls.set_device(device->position_));
  if ((calls.*call)(object) != 0) static_cast<void>(calls.last_error());
}

CudaDevice::CudaDevice(CudaCalls& calls, int position) : calls_(calls), position_(position) {
  int count = 0;
  if (const int error = calls_.device_count(count); error != 0) {
    static_cast<void>(calls_.last_error());
    throw Error(ErrorCode::kNoWorker, words_of(calls_, "cudaGetDeviceCount", error));
  }
  if (position < 0 || position >= count) {
    throw Error(ErrorCode::kNoWorker, "there is no GPU at position " + std::to_string(position) +
                                          " of " + std::to_string(count));
  }
}

template <class Call>
void CudaDevice::check(const char* name, const Call& call) {
  int error = calls_.set_device(position_);
  if (error == 0) error = call();
  if (error == 0) return;
  static_cast<void>(calls_.last_error());
  throw Error(ErrorCode::kInternal, words_of(calls_, name, error));
}

CudaObject CudaDevice::own(void* object, int (CudaCalls::*release)(void*)) {
  return CudaObject(object, CudaRelease{this, release});
}

CudaObject CudaDevice::allocate(std::size_t bytes) {
  void* data = nullptr;
  check("cudaMalloc", [&] { return calls_.allocate(data, bytes); });
  return own(data, &CudaCalls::free);
}

CudaHandle CudaDevice::export_memory(const CudaObject& memory) {
  CudaHandle handle{};
  check("cudaIpcGetMemHandle", [&] { return calls_.export_memory(handle, memory.get()); });
  return handle;
}

CudaObject CudaDevice::import_memory(const CudaHandle& handle) {
  void* data = nullptr;
  check("cudaIpcOpenMemHandle", [&] { return calls_.import_memory(data, handle); });
  return own(data, &CudaCalls::close_memory);
}

CudaObject CudaDevice::create_event() {
  void* event = nullptr;
  check("cudaEventCreateWithFlags", [&] { return calls_.create_event(event); });
  return own(event, &CudaCalls::destroy_event);
}

CudaHandle CudaDevice::export_event(const CudaObject& event) {
  CudaHandle handle{};
  check("cudaIpcGetEventHandle", [&] { return calls_.export_event(handle, event.get()); });
  return handle;
}

CudaObject CudaDevice::import_event(const CudaHandle& handle) {
  void* event = nullptr;
  check("cudaIpcOpenEventHandle", [&] { return calls_.import_event(event, handle); });
  return own(event, &CudaCalls::destroy_event);
}

void CudaDevice::record(const CudaObject& event, void* stream) {
  check("cudaEventRecord", [&] { return calls_.record_event(event.get(), stream); });
}

void CudaDevice::wait(void* stream, const CudaObject& event) {
  check("cudaStreamWaitEvent", [&] { return calls_.wait_event(stream, event.get()); });
}

void CudaDevice::synchronize(const CudaObject& event) {
  check("cudaEventSynchronize", [&] { return calls_.synchronize_event(event.get()); });
}

bool CudaDevice::is_done(const CudaObject& event) {
  bool done = true;
  check("cudaEventQuery", [&] {
    const int error = calls_.query_event(event.get());
    if (error != kCudaErrorNotReady) return error;
    static_cast<void>(calls_.last_error());
    done = false;
    return 0;
  });
  return done;
}

CudaObject CudaDevice::create_stream() {
  void* stream = nullptr;
  check("cudaStreamCreateWithFlags", [&] { return calls_.create_stream(stream); });
  return own(stream, &CudaCalls::destroy_stream);
}

void CudaDevice::synchronize_stream(void* stream) {
  check("cudaStreamSynchronize", [&] { return calls_.synchronize_stream(stream); });
}

void CudaDevice::copy(void* to, const void* from, std::size_t bytes, CopyKind kind, void* stream) {
  check("cudaMemcpyAsync", [&] { return calls_.copy(to, from, bytes, kind, stream); });
}

CudaObject CudaDevice::register_host(void* data, std::size_t bytes, bool writable) {
  check("cudaHostRegister", [&] { return calls_.register_host(data, bytes, writable); });
  return own(data, &CudaCalls::unregister_host);
}

}  // namespace tandem::ipc
