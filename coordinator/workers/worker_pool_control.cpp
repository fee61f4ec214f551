// What is asked of the workers, and what they tell of themselves.
#include <algorithm>

#include "coordinator/workers/worker_pool_state.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {

void WorkerPool::add_slot(const WorkerSpec& spec) {
  slots_.push_back(std::make_unique<Slot>());
  slots_.back()->spec = spec;
  loads_.add_worker(spec);
}

bool WorkerPool::ensure_worker(const std::string& device) {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (dispatcher_.slot(i).is_on(device)) return true;
  }
  if (device != "cpu") return false;
  start_slot({"cpu#0", "cpu", "cpu"});
  return true;
}

void WorkerPool::start_slot(const WorkerSpec& spec) {
  add_slot(spec);
  dispatcher_.add_slot(dispatch_slot(spec), now());
  carry_out();
}

void WorkerPool::add_worker(const std::string& device) {
  const auto like =
      std::ranges::find_if(slots_, [&](const auto& slot) { return slot->spec.place() == device; });
  if (like == slots_.end()) {
    throw Error(ErrorCode::kNotFound, "device: the service has no worker of this device.",
                "`devices` names those that it has.", "device");
  }
  if (slots_.size() >= kMaxWorkers) {
    throw Error(ErrorCode::kQuota, "device: the service has as many workers as it takes.", {},
                "device");
  }
  WorkerSpec spec = (*like)->spec;
  for (std::size_t n = 0; !slots_named(spec.name).empty(); ++n)
    spec.name = device + "#" + std::to_string(n);
  start_slot(spec);
}

void WorkerPool::set_duty(std::size_t slot, Duty duty) {
  dispatcher_.set_duty(slot, duty, now());
  carry_out();
}

std::vector<std::size_t> WorkerPool::slots_named(const std::string& name) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const WorkerSpec& spec = slots_[i]->spec;
    if (spec.name == name || spec.place() == name || spec.kind == name) found.push_back(i);
  }
  return found;
}

std::size_t WorkerPool::usable_workers(const JobLimits& limits) const {
  return dispatcher_.usable_workers(limits);
}

std::vector<WorkerView> WorkerPool::workers() const {
  std::vector<WorkerView> views;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = *slots_[i];
    const SlotView state = dispatcher_.view(i);
    views.push_back({slot.spec.name,
                     slot.spec.kind,
                     slot.spec.place(),
                     slot.hello.description,
                     state.state,
                     state.reason,
                     state.duty,
                     slot.process ? slot.process->pid() : 0,
                     slot.hello.threads,
                     slot.units_done,
                     slot.unit_seconds,
                     slot.hello.has_bfloat16,
                     {},
                     {}});
    if (!slot.process || state.state == SlotState::kStarting) continue;
    views.back().transport = slot.process->transport(slot.hello.transport);
    views.back().transport_reason = slot.process->transport_reason();
  }
  return views;
}

}  // namespace tandem::coordinator
