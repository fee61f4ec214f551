// A kind of device that a worker can be. THE list is in device.cpp: a new kind is one file and one
// row.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "device_worker/loaded_model.hpp"
#include "protocol/worker_message.hpp"

namespace tandem::worker {

class Device {
 public:
  virtual ~Device() = default;

  // device, description, threads and memory of the greeting.
  virtual void describe(WorkerHello& hello) const = 0;
  // Opens and checks the model's files; no weights are read yet. Throws tandem::Error.
  virtual std::unique_ptr<LoadedModel> open(const ModelSpec& spec) = 0;
};

// "cpu", "sim", "sim@20ms". Throws kUnsupported for a kind that this build does not have.
std::unique_ptr<Device> make_device(std::string_view name, int threads);

}  // namespace tandem::worker
