// One GPU through CudaCalls: failures as errors, what was made as objects that give it back.
#pragma once

#include <cstddef>
#include <memory>

#include "ipc/cuda/calls.hpp"

namespace tandem::ipc {

class CudaDevice;

struct CudaRelease {
  CudaDevice* device = nullptr;
  int (CudaCalls::*call)(void*) = nullptr;
  void operator()(void* object) const noexcept;
};
// Memory, an event, a stream or a registration. The device outlives it.
using CudaObject = std::unique_ptr<void, CudaRelease>;

// Used by one thread. Every function makes the GPU the thread's current one, and throws kInternal
// with the call's name and CUDA's words; an error that belongs to the call is then forgotten.
class CudaDevice {
 public:
  // Throws kNoWorker where there is no GPU at this position among the visible ones.
  CudaDevice(CudaCalls& calls, int position);
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  CudaObject allocate(std::size_t bytes);
  CudaHandle export_memory(const CudaObject& memory);
  CudaObject import_memory(const CudaHandle& handle);

  CudaObject create_event();
  CudaHandle export_event(const CudaObject& event);
  CudaObject import_event(const CudaHandle& handle);
  void record(const CudaObject& event, void* stream);
  // What is queued on the stream from now on comes after the event's last record.
  void wait(void* stream, const CudaObject& event);
  void synchronize(const CudaObject& event);
  bool is_done(const CudaObject& event);

  CudaObject create_stream();
  void synchronize_stream(void* stream);
  // Queued; memory that is not registered may be copied from before this returns.
  void copy(void* to, const void* from, std::size_t bytes, CopyKind kind, void* stream);

  // Pages of this process, for copies without staging, until the object ends.
  CudaObject register_host(void* data, std::size_t bytes, bool writable);

 private:
  friend CudaRelease;
  template <class Call>
  void check(const char* name, const Call& call);
  CudaObject own(void* object, int (CudaCalls::*release)(void*));

  CudaCalls& calls_;
  int position_;
};

}  // namespace tandem::ipc
