// The reply to `devices`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <boost/json/object.hpp>

#include "coordinator/workers/worker_pool.hpp"

namespace tandem::coordinator {

// Devices in the order of their first worker; each of them is in `memory`.
boost::json::object device_report(const std::vector<WorkerView>& workers,
                                  const std::vector<DeviceMemory>& memory,
                                  const std::function<std::string(ModelId)>& model_name);

}  // namespace tandem::coordinator
