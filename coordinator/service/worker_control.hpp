// The request `worker`: workers added, and taken out of service or back into it.
#pragma once

#include <functional>
#include <string>

#include <boost/json/object.hpp>

#include "coordinator/workers/worker_pool.hpp"
#include "protocol/host_message.hpp"

namespace tandem::coordinator {

// Returns the device as `devices` tells it. Throws kNotFound for a device or worker that there is
// not, kQuota for more workers than the service takes.
boost::json::object control_workers(WorkerPool& pool, const WorkerRequest& request,
                                    const std::function<std::string(ModelId)>& model_name);

}  // namespace tandem::coordinator
