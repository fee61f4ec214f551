// The processor as a device: models of models/ in the worker's own threads.
#pragma once

#include <memory>
#include <string_view>

#include "device_worker/device/device.hpp"

namespace tandem::worker {

// There is one. Sets the number of threads of the whole process.
std::unique_ptr<Device> make_cpu_device(std::string_view which, const DeviceOptions& options);

}  // namespace tandem::worker
