#include "coordinator/service/device_report.hpp"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>

#include "protocol/host_reply.hpp"

namespace tandem::coordinator {
namespace {

const char* state_name(SlotState state) {
  constexpr std::array<const char*, 7> kNames = {"starting", "ready",       "loading", "busy",
                                                 "waiting",  "quarantined", "disabled"};
  return kNames.at(static_cast<std::size_t>(state));
}

// Of one that begins nothing more.
const char* state_name(const WorkerView& worker) {
  const bool works = worker.state == SlotState::kBusy || worker.state == SlotState::kLoading;
  if (worker.duty == Duty::kDrained) return works ? "draining" : "drained";
  return state_name(worker.state);
}

boost::json::object worker_report(const WorkerView& worker) {
  boost::json::object report{{"name", worker.name},
                             {"state", state_name(worker)},
                             {"pid", worker.pid},
                             {"threads", worker.threads},
                             {"units_done", worker.units_done}};
  if (worker.unit_seconds > 0.0) report["units_per_second"] = 1.0 / worker.unit_seconds;
  if (!worker.reason.empty()) report["reason"] = worker.reason;
  if (worker.transport) report["transport"] = name_of(*worker.transport);
  if (!worker.transport_reason.empty()) report["transport_reason"] = worker.transport_reason;
  return report;
}

// The best that any of its workers can do; one of the last five only where none could do better.
std::string device_state(const std::vector<const WorkerView*>& workers) {
  for (const std::string_view state : {"busy", "loading", "ready", "starting", "waiting",
                                       "draining", "drained", "quarantined", "disabled"}) {
    if (std::ranges::none_of(workers, [&](const auto* w) { return state_name(*w) == state; })) {
      continue;
    }
    return std::string(state == "starting" || state == "waiting" ? "loading" : state);
  }
  return {};
}

boost::json::object models_of(const DeviceMemory& memory,
                              const std::function<std::string(ModelId)>& model_name) {
  boost::json::object models;
  for (const auto& [model, held] : memory.models) {
    auto& bytes = models[model_name(model)];
    bytes = held + (bytes.is_uint64() ? bytes.as_uint64() : 0);
  }
  return models;
}

boost::json::object device_of(const DeviceMemory& memory, const ModelLoads& loads,
                              const std::vector<const WorkerView*>& workers,
                              const std::function<std::string(ModelId)>& model_name) {
  boost::json::array reports;
  std::string reason;
  for (const WorkerView* worker : workers) {
    reports.push_back(worker_report(*worker));
    if (!worker->reason.empty()) reason = worker->reason;
  }
  boost::json::object device{{"name", memory.device},
                             {"type", workers.front()->kind},
                             {"description", workers.front()->description},
                             {"memory_total", loads.memory_total(memory.device)},
                             {"memory_free", loads.memory_free(memory.device)},
                             {"models", models_of(memory, model_name)},
                             {"held", memory.bytes},
                             {"budget", nullptr},
                             {"state", device_state(workers)},
                             {"workers", std::move(reports)}};
  if (memory.budget) device["budget"] = *memory.budget;
  if (!reason.empty()) device["reason"] = reason;
  return device;
}

}  // namespace

boost::json::object device_report(const std::vector<WorkerView>& workers, const ModelLoads& loads,
                                  const std::function<std::string(ModelId)>& model_name) {
  const std::vector<DeviceMemory> memory = loads.report();
  std::vector<std::string> names;
  for (const WorkerView& worker : workers) {
    if (std::ranges::find(names, worker.device) == names.end()) names.push_back(worker.device);
  }
  boost::json::array devices;
  for (const std::string& name : names) {
    std::vector<const WorkerView*> members;
    for (const WorkerView& worker : workers) {
      if (worker.device == name) members.push_back(&worker);
    }
    const auto held = std::ranges::find(memory, name, &DeviceMemory::device);
    devices.push_back(device_of(*held, loads, members, model_name));
  }
  return {{"devices", std::move(devices)}};
}

boost::json::object accelerator_report(const AcceleratorAnswer& answer) {
  if (const auto* failure = std::get_if<Failure>(&answer)) {
    return {{"error", failure_to_json(*failure)}};
  }
  return to_json(std::get<AcceleratorList>(answer));
}

}  // namespace tandem::coordinator
