// The reply to `devices`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "coordinator/workers/worker_pool.hpp"

namespace tandem::coordinator {

// Devices in the order of their first worker; each of them is in `loads`. Memory is the machine's
// for "cpu", the device's own for a GPU; a simulated device has none.
boost::json::object device_report(const std::vector<WorkerView>& workers, const ModelLoads& loads,
                                  const std::function<std::string(ModelId)>& model_name);

}  // namespace tandem::coordinator
