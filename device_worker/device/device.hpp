// A kind of device that a worker can be. THE list is in device.cpp: a new kind is one file and one
// row.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <ATen/core/Tensor.h>

#include "device_worker/loaded_model.hpp"
#include "ipc/transport/cuda_ipc/slab_view.hpp"
#include "models/patches/attached_files.hpp"
#include "protocol/worker_message.hpp"

namespace tandem::worker {

struct DeviceOptions {
  int threads = 1;                                              // of a CPU worker
  bool cuda_graphs = true;                                      // of a GPU worker
  std::shared_ptr<const models::AttachedFiles> attached_files;  // that units may name; may be null
};

// Memory that a device copies from and to without staging, until this object ends.
class PinnedMemory {
 public:
  virtual ~PinnedMemory() = default;
};

// GPU memory of the coordinator's, as this process sees it.
struct ImportedSlab {
  std::unique_ptr<ipc::SlabView> view;
  at::Device place = at::kCPU;  // of tensors over its bytes
};

class Device {
 public:
  virtual ~Device() = default;

  // device, description, threads, types and memory of the greeting.
  virtual void describe(WorkerHello& hello) const = 0;
  // Opens and checks the model's files; no weights are read yet. Throws tandem::Error.
  virtual std::unique_ptr<LoadedModel> open(const ModelSpec& spec) = 0;

  // Bytes of the device's own memory that nobody holds; 0: it has none of its own.
  virtual std::uint64_t memory_free() { return 0; }
  // Gives back what it keeps for models that were forgotten.
  virtual void release_memory() {}

  // Prepares shared memory for its copies; nullptr where there is nothing to prepare.
  virtual std::unique_ptr<PinnedMemory> pin(std::span<const std::byte>, bool /*writable*/) {
    return nullptr;
  }

  // Imports and checks it. Throws tandem::Error with why it can't be used.
  virtual ImportedSlab import_slab(const SlabOffer& offer);

  // Does the work of a unit; failures of the device's own kind come out as tandem::Error. The work
  // may be done twice. Ends the process where the device's state allows no further unit.
  virtual void run(const std::function<void()>& work) { work(); }
  // Why the process must end after the unit that it just answered; empty: it need not.
  virtual std::string reason_to_end() const { return {}; }
};

// "cpu", "sim", "sim@20ms", "gpu:0". Throws kUnsupported for a kind that there is not, kNoWorker
// for a device that is not there.
std::unique_ptr<Device> make_device(std::string_view name, const DeviceOptions& options);

}  // namespace tandem::worker
