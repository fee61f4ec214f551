#include "coordinator/dispatch/dispatcher.hpp"

#include <algorithm>

namespace tandem::coordinator {
namespace {

constexpr std::size_t kDeathsOfAUnit = 2;
constexpr int kFailuresOfAUnit = 2;

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

void Dispatcher::open_job(JobId job, JobLimits limits) {
  jobs_[job] = JobRecord{std::move(limits), {}};
}

void Dispatcher::close_job(JobId job, TimePoint now) {
  jobs_.erase(job);
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

void Dispatcher::worker_exited(WorkerId worker, const std::string& last_words, TimePoint now) {
  Slot* slot = find_slot(worker);
  if (slot == nullptr) return;
  commands_.emplace_back(WorkerNotice{WorkerNotice::What::kLost, index_of(*slot), {}, last_words});
  const UnitId unit = slot->unit;
  slot->loaded.clear();
  slot->worker = {};
  slot->unit = {};
  slot->replaces_a_lost_one = true;
  schedule_respawn(*slot, last_words, now);
  if (const auto it = units_.find(unit); it != units_.end()) {
    it->second.avoid = index_of(*slot);
    worker_died_with(it->second, last_words, slot->spec.name);
  }
  place(now);
}

void Dispatcher::worker_died_with(UnitRecord& unit, const std::string& words,
                                  const std::string& slot_name) {
  unit.deaths.push_back(slot_name + ": " + words);
  if (unit.deaths.size() < kDeathsOfAUnit) return run_again(unit);
  Failure failure;
  failure.code = ErrorCode::kWorkerLost;
  failure.message = "A work unit ended two workers.";
  for (const std::string& death : unit.deaths)
    failure.message += " " + death;
  failure.hint = "The service goes on; the model or the size of this job may be what they died of.";
  failure.worker = slot_name;
  fail_job(unit.ticket.job, std::move(failure));
}

void Dispatcher::model_loaded(WorkerId worker, ModelId model, ModelPart part, TimePoint now) {
  Slot* slot = find_slot(worker);
  if (slot == nullptr) return;
  slot->loaded.emplace(model, part);
  if (slot->state != SlotState::kLoading) return;
  start_assigned(*slot);
  place(now);
}

void Dispatcher::model_failed(WorkerId worker, const Failure& failure, TimePoint now) {
  Slot* slot = find_slot(worker);
  if (slot == nullptr || slot->state != SlotState::kLoading) return;
  const auto unit = units_.find(slot->unit);
  free_slot(*slot);
  if (unit != units_.end()) fail_job(unit->second.ticket.job, failure);
  place(now);
}

bool Dispatcher::unit_done(WorkerId worker, UnitId unit, Generation generation, TimePoint now) {
  Slot* slot = find_slot(worker);
  if (slot == nullptr || slot->unit != unit || slot->generation != generation) return false;
  slot->history.did_work();
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
    if (hopeless || ++record.failures >= kFailuresOfAUnit) {
      fail_job(record.ticket.job, failure);
    } else {
      run_again(record);
    }
  }
  place(now);
}

void Dispatcher::model_dropped(ModelId model) {
  for (Slot& slot : slots_) {
    std::erase_if(slot.loaded, [&](const auto& entry) { return entry.first == model; });
  }
}

void Dispatcher::tick(TimePoint now) {
  for (Slot& slot : slots_) {
    if (slot.state == SlotState::kWaiting && now >= slot.deadline) spawn(slot, now);
    if (slot.state == SlotState::kStarting && now >= slot.deadline) {
      slot.deadline = now + policy_.start_up_limit;
      commands_.emplace_back(KillWorker{slot.worker, "it did not come up in time"});
    }
  }
}

std::optional<TimePoint> Dispatcher::next_deadline() const {
  std::optional<TimePoint> next;
  for (const Slot& slot : slots_) {
    const bool timed = slot.state == SlotState::kWaiting || slot.state == SlotState::kStarting;
    if (timed && (!next || slot.deadline < *next)) next = slot.deadline;
  }
  return next;
}

SlotView Dispatcher::view(std::size_t index) const {
  const Slot& slot = slots_.at(index);
  return {slot.state, slot.worker, slot.reason};
}

std::size_t Dispatcher::usable_workers(const JobLimits& limits) const {
  const auto usable = static_cast<std::size_t>(std::ranges::count_if(slots_, [&](const Slot& slot) {
    return slot.state != SlotState::kQuarantined &&
           (limits.kind.empty() || slot.spec.kind == limits.kind);
  }));
  return std::min(usable, limits.max_workers.value_or(usable));
}

Dispatcher::Slot* Dispatcher::find_slot(WorkerId worker) {
  const auto it = std::ranges::find(slots_, worker, &Slot::worker);
  return it == slots_.end() || worker == WorkerId{} ? nullptr : &*it;
}

std::size_t Dispatcher::index_of(const Slot& slot) const {
  return static_cast<std::size_t>(&slot - slots_.data());
}

// Greedy, in the order of submission: the step's units are of about one size, and the merge does
// not care who computed what.
void Dispatcher::place(TimePoint) {
  for (std::size_t i = 0; i < ready_.size();) {
    UnitRecord& unit = units_.at(ready_[i]);
    const JobRecord& job = jobs_.at(unit.ticket.job);
    if (!can_ever_run(job)) {
      fail_job(unit.ticket.job, {ErrorCode::kNoWorker, "No worker is left that could run this job.",
                                 "`tandem devices` says why each was taken out of service."});
      i = 0;  // the queue has changed
      continue;
    }
    if (const auto slot = choose_slot(unit)) {
      ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(i));
      assign(*slot, unit);
    } else {
      ++i;
    }
  }
}

std::optional<std::size_t> Dispatcher::choose_slot(const UnitRecord& unit) {
  const JobRecord& job = jobs_.at(unit.ticket.job);
  std::optional<std::size_t> best;
  int best_score = -1;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    if (slot.state != SlotState::kIdle || !may_use(job, i)) continue;
    const bool has_part = slot.loaded.contains({unit.ticket.model, unit.ticket.part});
    const int score = (has_part ? 1 : 0) + (unit.avoid == i ? 0 : 2);
    if (score > best_score) {
      best = i;
      best_score = score;
    }
  }
  return best;
}

bool Dispatcher::may_use(const JobRecord& job, std::size_t slot) const {
  if (!job.limits.kind.empty() && slots_[slot].spec.kind != job.limits.kind) return false;
  if (!job.limits.max_workers || job.slots.contains(slot)) return true;
  const auto in_service = std::ranges::count_if(
      job.slots, [&](std::size_t s) { return slots_[s].state != SlotState::kQuarantined; });
  return static_cast<std::size_t>(in_service) < *job.limits.max_workers;
}

bool Dispatcher::can_ever_run(const JobRecord& job) const {
  return usable_workers({job.limits.kind, std::nullopt}) > 0;
}

void Dispatcher::assign(std::size_t index, UnitRecord& unit) {
  Slot& slot = slots_[index];
  jobs_.at(unit.ticket.job).slots.insert(index);
  slot.unit = unit.ticket.unit;
  slot.generation = unit.generation;
  const UnitTicket& ticket = unit.ticket;
  if (slot.loaded.contains({ticket.model, ticket.part})) return start_assigned(slot);
  slot.state = SlotState::kLoading;
  commands_.emplace_back(LoadPart{slot.worker, ticket.job, ticket.model, ticket.part});
}

void Dispatcher::start_assigned(Slot& slot) {
  // The job may have ended while its model was being loaded.
  if (!units_.contains(slot.unit)) return free_slot(slot);
  slot.state = SlotState::kBusy;
  commands_.emplace_back(StartUnit{slot.worker, slot.unit, slot.generation});
}

void Dispatcher::run_again(UnitRecord& unit) {
  ++unit.generation.value;
  ready_.push_front(unit.ticket.unit);
  commands_.emplace_back(
      WorkerNotice{WorkerNotice::What::kRerun, unit.avoid.value_or(0), unit.ticket.unit, {}});
}

void Dispatcher::fail_job(JobId job, Failure failure) {
  std::erase_if(units_, [&](const auto& entry) { return entry.second.ticket.job == job; });
  std::erase_if(ready_, [&](UnitId unit) { return !units_.contains(unit); });
  commands_.emplace_back(FailJob{job, std::move(failure)});
}

void Dispatcher::schedule_respawn(Slot& slot, const std::string& words, TimePoint now) {
  slot.reason = words;
  const auto lived = slot.ready_since ? now - *slot.ready_since : TimePoint::duration::zero();
  slot.ready_since.reset();
  if (lived >= policy_.healthy_after) slot.history.did_work();
  const auto wait = slot.history.died(policy_);
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
}

}  // namespace tandem::coordinator
