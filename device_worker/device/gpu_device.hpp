// An NVIDIA GPU as a device: models of models/ through LibTorch's CUDA half.
#pragma once

#include <memory>
#include <string_view>

#include "device_worker/device/device.hpp"
#include "device_worker/device/gpu_backend.hpp"

namespace tandem::worker {

// `position` is the device's number among the visible ones. Loads the CUDA module into the process:
// throws what load_gpu_backend does, kBadRequest for a position that is no number.
std::unique_ptr<Device> make_gpu_device(std::string_view position, const DeviceOptions& options);

// Over a given back end, for tests: `name` as "gpu:0", models on `place`.
struct GpuPlace {
  std::string name;
  at::Device device = at::kCPU;
};
std::unique_ptr<Device> make_gpu_device(std::unique_ptr<GpuBackend> backend, GpuPlace place,
                                        const DeviceOptions& options);

}  // namespace tandem::worker
