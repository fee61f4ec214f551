// What the parts of a job's model compute in, as replies tell it.
#pragma once

#include <functional>

#include <boost/json/object.hpp>

#include "models/compute_type.hpp"
#include "protocol/job/job.hpp"

namespace tandem::coordinator {

// {"model": "fp16", "text": "fp32", "vae": "bf16"}: asked for, or chosen for the part's device.
boost::json::object job_types(const job::Model& model,
                              const std::function<models::DeviceTypes(ModelPart)>& types_of);

}  // namespace tandem::coordinator
