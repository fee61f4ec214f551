#include "coordinator/service/device_report.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include <boost/json/array.hpp>

namespace tandem::coordinator {
namespace {

const char* state_name(SlotState state) {
  constexpr std::array<const char*, 6> kNames = {"starting", "ready",   "loading",
                                                 "busy",     "waiting", "quarantined"};
  return kNames.at(static_cast<std::size_t>(state));
}

// A line of /proc/meminfo in bytes; 0 where it is not there.
std::uint64_t memory_figure(const std::string& wanted) {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::uint64_t kibibytes = 0;
  std::string unit;
  while (file >> key >> kibibytes) {
    if (key == wanted) return kibibytes * 1024;
    std::getline(file, unit);
  }
  return 0;
}

boost::json::object worker_report(const WorkerView& worker) {
  boost::json::object report{{"name", worker.name},
                             {"state", state_name(worker.state)},
                             {"pid", worker.pid},
                             {"threads", worker.threads},
                             {"units_done", worker.units_done}};
  if (worker.unit_seconds > 0.0) report["units_per_second"] = 1.0 / worker.unit_seconds;
  if (!worker.reason.empty()) report["reason"] = worker.reason;
  return report;
}

// The best that any of its workers can do; "quarantined" only where none is left.
const char* device_state(const std::vector<const WorkerView*>& workers) {
  for (const SlotState state : {SlotState::kBusy, SlotState::kLoading, SlotState::kIdle}) {
    if (std::ranges::any_of(workers, [&](const auto* w) { return w->state == state; })) {
      return state_name(state);
    }
  }
  const auto quarantined = [](const auto* w) { return w->state == SlotState::kQuarantined; };
  return std::ranges::all_of(workers, quarantined) ? "quarantined" : "loading";
}

boost::json::object device_of(const std::string& kind,
                              const std::vector<const WorkerView*>& workers,
                              const std::function<std::string(ModelId)>& model_name) {
  boost::json::object models;
  boost::json::array reports;
  std::string reason;
  for (const WorkerView* worker : workers) {
    reports.push_back(worker_report(*worker));
    if (!worker->reason.empty()) reason = worker->reason;
    for (const HeldModel& held : worker->models) {
      auto& bytes = models[model_name(held.model)];
      bytes = held.bytes + (bytes.is_uint64() ? bytes.as_uint64() : 0);
    }
  }
  const bool has_memory = kind == "cpu";
  boost::json::object device{{"name", kind},
                             {"type", kind},
                             {"description", workers.front()->description},
                             {"memory_total", has_memory ? memory_figure("MemTotal:") : 0},
                             {"memory_free", has_memory ? memory_figure("MemAvailable:") : 0},
                             {"models", std::move(models)},
                             {"budget", nullptr},
                             {"state", device_state(workers)},
                             {"workers", std::move(reports)}};
  if (!reason.empty()) device["reason"] = reason;
  return device;
}

}  // namespace

boost::json::object device_report(const std::vector<WorkerView>& workers,
                                  const std::function<std::string(ModelId)>& model_name) {
  std::vector<std::string> kinds;
  for (const WorkerView& worker : workers) {
    if (std::ranges::find(kinds, worker.kind) == kinds.end()) kinds.push_back(worker.kind);
  }
  boost::json::array devices;
  for (const std::string& kind : kinds) {
    std::vector<const WorkerView*> members;
    for (const WorkerView& worker : workers) {
      if (worker.kind == kind) members.push_back(&worker);
    }
    devices.push_back(device_of(kind, members, model_name));
  }
  return {{"devices", std::move(devices)}};
}

}  // namespace tandem::coordinator
