// The coordinator's side of an echo.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <sys/types.h>
#include <vector>

#include "ipc/cuda/device.hpp"
#include "ipc/memory/shared_segment.hpp"
#include "ipc/socket/blocking_connection.hpp"
#include "ipc/transport/cuda_ipc/slab_link.hpp"
#include "tests/ipc/transport/echo.hpp"

namespace tandem::ipc {

struct EchoOptions {
  Way way = Way::kPlain;
  int owner_gpu = 0;
  int worker_gpu = 0;
  // Where the coordinator's tensor lies: in its GPU's memory, or in the shared memory of the CPU.
  bool state_on_gpu = false;
  std::size_t bytes = 0;          // the most of a trip
  std::filesystem::path program;  // with --echo WAY GPU FD it runs echo_worker
};

class EchoOwner {
 public:
  // Starts the worker and shares memory with it. Throws tandem::Error where something of the way
  // does not work here; its words are the worker's where that said so.
  explicit EchoOwner(EchoOptions options);
  EchoOwner(const EchoOwner&) = delete;
  EchoOwner& operator=(const EchoOwner&) = delete;
  ~EchoOwner();

  void put(std::span<const std::byte> state);
  // The first bytes of the state to the worker and back to where result() reads.
  void round_trip(std::size_t bytes);
  std::vector<std::byte> result(std::size_t bytes);

  // Kills the worker and starts another one. The slab stays.
  void replace_worker();

 private:
  void prepare_gpu();
  void start_worker();
  void end_worker();
  void attach_slab();
  bool uses_gpu() const { return options_.way == Way::kCudaIpc || options_.state_on_gpu; }
  void publish(std::size_t bytes, std::size_t turn);
  void collect(std::size_t bytes, std::size_t turn);
  void copy(void* to, const void* from, std::size_t bytes, CopyKind kind);
  void tell(Frame frame);

  EchoOptions options_;
  SharedSegment inputs_;
  SharedSegment results_;
  std::unique_ptr<CudaDevice> device_;
  CudaObject stream_;
  CudaObject pinned_inputs_;
  CudaObject pinned_results_;
  CudaObject state_;
  CudaObject state_back_;
  std::shared_ptr<Slab> slab_;
  Slot input_twin_;
  Slot result_twin_;
  std::unique_ptr<SlabLink> link_;
  std::unique_ptr<BlockingConnection> connection_;
  pid_t worker_ = -1;
  std::size_t turn_ = 0;
};

}  // namespace tandem::ipc
