// A simulated device: a real process with the real transport, whose 'model' waits for a given time
// and returns a fixed simple function of its input. Many of them can be studied on few cores.
#pragma once

#include <memory>
#include <string_view>

#include "device_worker/device/device.hpp"

namespace tandem::worker {

// `delay` is the time that each unit takes: "20ms", "300us"; empty: none.
std::unique_ptr<Device> make_sim_device(std::string_view delay, const DeviceOptions& options);

}  // namespace tandem::worker
