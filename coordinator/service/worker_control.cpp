#include "coordinator/service/worker_control.hpp"

#include <boost/json/array.hpp>

#include "coordinator/service/device_report.hpp"

namespace tandem::coordinator {
namespace {

Duty duty_of(WorkerAction action) {
  if (action == WorkerAction::kDrain) return Duty::kDrained;
  return action == WorkerAction::kDisable ? Duty::kOff : Duty::kOn;
}

// Of a device or of a worker's name; a kind of device is no name of one.
std::string device_of(const WorkerPool& pool, const std::string& name) {
  for (const WorkerView& worker : pool.workers()) {
    if (worker.name == name || worker.device == name) return worker.device;
  }
  throw Error(ErrorCode::kNotFound, "device: the service has no device or worker of this name.",
              "`devices` names them.", "device");
}

}  // namespace

boost::json::object control_workers(WorkerPool& pool, const WorkerRequest& request,
                                    const std::function<std::string(ModelId)>& model_name) {
  const std::string device = device_of(pool, request.device);
  if (request.action == WorkerAction::kAdd) {
    pool.add_worker(request.device);
  } else {
    for (const std::size_t slot : pool.slots_named(request.device))
      pool.set_duty(slot, duty_of(request.action));
  }
  boost::json::object all = device_report(pool.workers(), pool.models(), model_name);
  for (boost::json::value& report : all.at("devices").as_array()) {
    if (report.at("name").as_string() == device) return std::move(report.as_object());
  }
  throw Error(ErrorCode::kInternal, "A device has left while it was looked at.");
}

}  // namespace tandem::coordinator
