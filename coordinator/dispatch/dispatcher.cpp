#include "coordinator/dispatch/dispatcher.hpp"

#include <algorithm>

namespace tandem::coordinator {
namespace {

constexpr std::size_t kDeathsOfAUnit = 2;
constexpr int kFailuresOfAUnit = 2;
constexpr const char* kDisabledReason = "It was disabled on request.";

Failure worker_lost(const std::string& what, const std::vector<std::string>& deaths,
                    const std::string& last_worker) {
  Failure failure;
  failure.code = ErrorCode::kWorkerLost;
  failure.message = what + " ended two workers.";
  for (const std::string& death : deaths)
    failure.message += " " + death;
  failure.hint = "The service goes on; the model or the size of this job may be what they died of.";
  failure.worker = last_worker;
  return failure;
}

}  // namespace

Dispatcher::Dispatcher(std::vector<WorkerSlot> slots, RespawnPolicy policy, TimePoint now)
    : policy_(policy) {
  for (WorkerSlot& slot : slots)
    add_slot(std::move(slot), now);
}

std::size_t Dispatcher::add_slot(WorkerSlot slot, TimePoint now) {
  slots_.push_back(Slot{});
  slots_.back().spec = std::move(slot);
  spawn(slots_.back(), now);
  return slots_.size() - 1;
}

void Dispatcher::set_duty(std::size_t index, Duty duty, TimePoint now) {
  Slot& slot = slots_.at(index);
  slot.duty = duty;
  if (duty == Duty::kOff) slot.reason = kDisabledReason;
  if (duty != Duty::kOff && slot.reason == kDisabledReason) slot.reason.clear();
  const bool rests = slot.state == SlotState::kWaiting || slot.state == SlotState::kQuarantined;
  if (duty != Duty::kOff) {
    if (slot.state == SlotState::kQuarantined || slot.state == SlotState::kDisabled) {
      slot.history.did_work();
      slot.reason.clear();
      spawn(slot, now);
    }
  } else if (rests) {
    slot.state = SlotState::kDisabled;
  } else if (slot.state != SlotState::kDisabled) {
    commands_.emplace_back(KillWorker{slot.worker, kDisabledReason});
  }
  place(now);
}

void Dispatcher::open_job(JobId job, JobLimits limits) {
  jobs_[job] = JobRecord{std::move(limits), {}, {}};
}

void Dispatcher::close_job(JobId job, TimePoint now) {
  jobs_.erase(job);
  drop_units(job, now);
}

void Dispatcher::drop_units(JobId job, TimePoint now) {
  std::erase_if(units_, [&](const auto& entry) { return entry.second.ticket.job == job; });
  std::erase_if(ready_, [&](UnitId unit) { return !units_.contains(unit); });
  place(now);
}

void Dispatcher::submit(const std::vector<UnitTicket>& units, TimePoint now) {
  for (const UnitTicket& ticket : units) {
    UnitRecord record;
    record.ticket = ticket;
    units_.emplace(ticket.unit, std::move(record));
    ready_.push_back(ticket.unit);
  }
  place(now);
}

void Dispatcher::worker_ready(WorkerId worker, TimePoint now) {
  Slot* slot = find_slot(worker);
  if (slot == nullptr || slot->state != SlotState::kStarting) return;
  using What = WorkerNotice::What;
  commands_.emplace_back(WorkerNotice{
      slot->replaces_a_lost_one ? What::kReplaced : What::kStarted, index_of(*slot), {}, {}});
  slot->reason.clear();
  slot->ready_since = now;
  free_slot(*slot);
  place(now);
}

void Dispatcher::worker_exited(WorkerId worker, const std::string& last_words, TimePoint now,
                               bool has_device) {
  Slot* slot = find_slot(worker);
  if (slot == nullptr) return;
  commands_.emplace_back(WorkerNotice{WorkerNotice::What::kLost, index_of(*slot), {}, last_words});
  const UnitId unit = slot->unit;
  const std::optional<Loading> loading = slot->loading;
  free_slot(*slot);
  slot->loaded.clear();
  slot->worker = {};
  slot->replaces_a_lost_one = true;
  settle_until_ = now + kSettle;
  const auto it = units_.find(unit);
  if (it != units_.end()) it->second.avoid = index_of(*slot);
  if (slot->duty == Duty::kOff) {  // nobody's fault
    slot->state = SlotState::kDisabled;
    slot->reason = kDisabledReason;
    if (it != units_.end()) run_again(it->second);
    return place(now);
  }
  schedule_respawn(*slot, last_words, now, has_device);
  if (loading) died_loading(*loading, last_words, slot->spec.name);
  if (it != units_.end()) worker_died_with(it->second, last_words, slot->spec.name);
  place(now);
}

void Dispatcher::worker_died_with(UnitRecord& unit, const std::string& words,
                                  const std::string& slot_name) {
  unit.deaths.push_back(slot_name + ": " + words);
  if (unit.deaths.size() < kDeathsOfAUnit) return run_again(unit);
  fail_job(unit.ticket.job, worker_lost("A work unit", unit.deaths, slot_name));
}

void Dispatcher::died_loading(const Loading& loading, const std::string& words,
                              const std::string& slot_name) {
  const auto job = jobs_.find(loading.job);
  if (job == jobs_.end()) return;
  std::vector<std::string>& deaths = job->second.deaths;
  deaths.push_back(slot_name + ": " + words);
  if (deaths.size() < kDeathsOfAUnit) return;
  const std::vector<std::string> told = std::exchange(deaths, {});
  fail_job(loading.job, worker_lost("Loading a model", told, slot_name));
}

void Dispatcher::model_loaded(WorkerId worker, ModelId model, ModelPart part, TimePoint now) {
  Slot* slot = find_slot(worker);
  if (slot == nullptr) return;
  slot->loaded.emplace(model, part);
  if (!slot->loading) return;
  // Deaths count in a row.
  if (const auto job = jobs_.find(slot->loading->job); job != jobs_.end())
    job->second.deaths.clear();
  free_slot(*slot);
  place(now);
}

void Dispatcher::model_failed(WorkerId worker, const Failure& failure, TimePoint now) {
  Slot* slot = find_slot(worker);
  if (slot == nullptr || !slot->loading) return;
  const JobId job = slot->loading->job;
  free_slot(*slot);
  if (jobs_.contains(job)) fail_job(job, failure);
  place(now);
}

bool Dispatcher::unit_done(WorkerId worker, UnitId unit, Generation generation, TimePoint now) {
  Slot* slot = find_slot(worker);
  if (slot == nullptr || slot->unit != unit || slot->generation != generation) return false;
  slot->history.did_work();
  speeds_.learn(index_of(*slot), slot->shape, slot->crowd,
                std::chrono::duration<double>(now - slot->started).count());
  free_slot(*slot);
  const bool awaited = units_.erase(unit) > 0;
  place(now);
  return awaited;
}

void Dispatcher::unit_failed(WorkerId worker, UnitId unit, Generation generation,
                             const Failure& failure, TimePoint now) {
  Slot* slot = find_slot(worker);
  if (slot == nullptr || slot->unit != unit || slot->generation != generation) return;
  slot->history.did_work();
  free_slot(*slot);
  if (const auto it = units_.find(unit); it != units_.end()) {
    UnitRecord& record = it->second;
    record.avoid = index_of(*slot);
    const bool hopeless = fault_of(failure.code) == Fault::kRequest;
    if (failure.code == ErrorCode::kNotFinite && go_on_in_fp32(record)) {
      run_again(record);
    } else if (hopeless || ++record.failures >= kFailuresOfAUnit) {
      fail_job(record.ticket.job, failure);
    } else {
      run_again(record);
    }
  }
  place(now);
}

void Dispatcher::part_dropped(std::size_t slot, ModelId model, ModelPart part) {
  slots_.at(slot).loaded.erase({model, part});
}

bool Dispatcher::is_needed(ModelId model, ModelPart part) const {
  return std::ranges::any_of(units_, [&](const auto& entry) {
    const UnitTicket& ticket = entry.second.ticket;
    return ticket.model == model && ticket.part == part;
  });
}

bool Dispatcher::is_in_job(ModelId model) const {
  return std::ranges::any_of(jobs_, [&](const auto& entry) {
    const std::vector<ModelId>& models = entry.second.limits.models;
    return std::ranges::find(models, model) != models.end();
  });
}

void Dispatcher::tick(TimePoint now) {
  for (Slot& slot : slots_) {
    if (slot.state == SlotState::kWaiting && now >= slot.deadline) spawn(slot, now);
    if (slot.state == SlotState::kStarting && now >= slot.deadline) {
      slot.deadline = now + policy_.start_up_limit;
      commands_.emplace_back(KillWorker{slot.worker, "it did not come up in time"});
    }
  }
  if (place_again_at_ && now >= *place_again_at_) place(now);
}

std::optional<TimePoint> Dispatcher::next_deadline() const {
  std::optional<TimePoint> next = place_again_at_;
  for (const Slot& slot : slots_) {
    const bool timed = slot.state == SlotState::kWaiting || slot.state == SlotState::kStarting;
    if (timed && (!next || slot.deadline < *next)) next = slot.deadline;
  }
  return next;
}

SlotView Dispatcher::view(std::size_t index) const {
  const Slot& slot = slots_.at(index);
  return {slot.state, slot.worker, slot.reason, slot.duty};
}

std::size_t Dispatcher::usable_workers(const JobLimits& limits) const {
  const auto usable = static_cast<std::size_t>(std::ranges::count_if(slots_, [&](const Slot& slot) {
    return is_in_service(slot) && slot.duty == Duty::kOn && slot.spec.is_on(limits.devices.unet);
  }));
  return std::min(usable, limits.max_workers.value_or(usable));
}

std::size_t Dispatcher::count_in_service(const std::string& device) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      slots_, [&](const Slot& slot) { return is_in_service(slot) && slot.spec.is_on(device); }));
}

bool Dispatcher::is_in_service(const Slot& slot) {
  return slot.state != SlotState::kQuarantined && slot.duty != Duty::kOff;
}

Dispatcher::Slot* Dispatcher::find_slot(WorkerId worker) {
  const auto it = std::ranges::find(slots_, worker, &Slot::worker);
  return it == slots_.end() || worker == WorkerId{} ? nullptr : &*it;
}

std::size_t Dispatcher::index_of(const Slot& slot) const {
  return static_cast<std::size_t>(&slot - slots_.data());
}

void Dispatcher::run_again(UnitRecord& unit) {
  ++unit.generation.value;
  ready_.push_front(unit.ticket.unit);
  commands_.emplace_back(
      WorkerNotice{WorkerNotice::What::kRerun, unit.avoid.value_or(0), unit.ticket.unit, {}});
}

bool Dispatcher::go_on_in_fp32(UnitRecord& unit) {
  const std::optional<Fp32Twin>& fp32 = jobs_.at(unit.ticket.job).limits.fp32;
  if (!fp32 || unit.ticket.model != fp32->of) return false;
  unit.ticket.model = fp32->twin;
  unit.ticket.shape += " fp32";
  commands_.emplace_back(
      WorkerNotice{WorkerNotice::What::kFp32, unit.avoid.value_or(0), unit.ticket.unit, {}});
  return true;
}

void Dispatcher::fail_job(JobId job, Failure failure) {
  std::erase_if(units_, [&](const auto& entry) { return entry.second.ticket.job == job; });
  std::erase_if(ready_, [&](UnitId unit) { return !units_.contains(unit); });
  commands_.emplace_back(FailJob{job, std::move(failure)});
}

void Dispatcher::schedule_respawn(Slot& slot, const std::string& words, TimePoint now,
                                  bool has_device) {
  slot.reason = words;
  const auto lived = slot.ready_since ? now - *slot.ready_since : TimePoint::duration::zero();
  slot.ready_since.reset();
  if (lived >= policy_.healthy_after) slot.history.did_work();
  const auto wait = has_device ? slot.history.died(policy_) : std::nullopt;
  if (!wait) {
    slot.state = SlotState::kQuarantined;
    commands_.emplace_back(
        WorkerNotice{WorkerNotice::What::kQuarantined, index_of(slot), {}, words});
    return;
  }
  slot.state = SlotState::kWaiting;
  slot.deadline = now + *wait;
  if (wait->count() == 0) spawn(slot, now);
}

void Dispatcher::spawn(Slot& slot, TimePoint now) {
  slot.state = SlotState::kStarting;
  slot.worker = WorkerId{next_worker_++};
  slot.deadline = now + policy_.start_up_limit;
  commands_.emplace_back(SpawnWorker{index_of(slot), slot.worker});
}

void Dispatcher::free_slot(Slot& slot) {
  slot.state = SlotState::kIdle;
  slot.unit = {};
  slot.loading.reset();
  slot.probes = false;
}

}  // namespace tandem::coordinator
