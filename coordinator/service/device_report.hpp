// What the reply to `devices` holds.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "coordinator/workers/accelerator_listing.hpp"
#include "coordinator/workers/worker_pool.hpp"

namespace tandem::coordinator {

// Devices in the order of their first worker; each of them is in `loads`. Memory is the machine's
// for "cpu", the device's own for a GPU; a simulated device has none.
boost::json::object device_report(const std::vector<WorkerView>& workers, const ModelLoads& loads,
                                  const std::function<std::string(ModelId)>& model_name);

// The list as docs/protocol.md has it, or {"error": why there is none}.
boost::json::object accelerator_report(const AcceleratorAnswer& answer);

}  // namespace tandem::coordinator
