// A job's "device", "text_device" and "vae_device" as devices of this service.
#pragma once

#include <vector>

#include "coordinator/dispatch/part_devices.hpp"
#include "coordinator/workers/device_list.hpp"
#include "protocol/host_event.hpp"
#include "protocol/job/job.hpp"

namespace tandem::coordinator {

// Each part by itself, whatever jobs before it asked for: "default" is the kind of the first
// worker, "cpu" any CPU worker (one may have to be started), "gpu:N" that device alone. A part
// stays on the default, with a warning, where there is no such device, whatever accelerator it
// names, and so does a VAE that would leave a GPU for the CPU. `workers` is not empty.
PartDevices choose_devices(const job::Model& model, const std::vector<WorkerSpec>& workers,
                           std::vector<WarningEvent>& warnings);

// "gpu" of "gpu:1", "cpu" of "cpu".
std::string kind_of_device(const std::string& device);

}  // namespace tandem::coordinator
