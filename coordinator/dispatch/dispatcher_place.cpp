// The dispatcher's choice: which worker computes a waiting unit, and which ones load for it.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "coordinator/dispatch/dispatcher.hpp"

namespace tandem::coordinator {
namespace {

using Seconds = std::chrono::duration<double>;

// What a unit of a shape that never ran counts as: all workers are alike then.
constexpr double kUnknownSeconds = 1.0;

// Units per worker before workers of one device are compared with one of them alone: the unit that
// runs alone for it then costs 2 % at the most.
constexpr std::size_t kUnitsBeforeProbe = 48;

constexpr std::chrono::milliseconds kShortestWait{2};

}  // namespace

void Dispatcher::place(TimePoint now) {
  fail_hopeless_jobs();
  place_again_at_.reset();
  if (now < settle_until_) {
    place_again_at_ = settle_until_;
    return;
  }
  for (const ReadyGroup& group : ready_groups()) {
    load_where_idle(group);
    std::vector<UnitId> units;
    for (const UnitId unit : group.units) {
      if (units_.at(unit).avoid) {
        place_elsewhere(group, unit, now);
      } else {
        units.push_back(unit);
      }
    }
    place_on(slots_with(group), units, now);
  }
}

void Dispatcher::fail_hopeless_jobs() {
  for (std::size_t i = 0; i < ready_.size();) {
    const UnitTicket& ticket = units_.at(ready_[i]).ticket;
    const std::string& device = jobs_.at(ticket.job).limits.devices.of(ticket.part);
    if (count_in_service(device) > 0) {
      ++i;
      continue;
    }
    fail_job(ticket.job, no_worker(device));
    i = 0;  // the queue has changed
  }
}

Failure Dispatcher::no_worker(const std::string& device) const {
  Failure failure{ErrorCode::kNoWorker, "No worker is left that could run this job.",
                  "`tandem devices` says why each was taken out of service."};
  const auto slot = std::ranges::find_if(
      slots_, [&](const Slot& s) { return s.spec.is_on(device) && !s.reason.empty(); });
  if (slot != slots_.end()) failure.message += " " + slot->reason;
  return failure;
}

std::vector<Dispatcher::ReadyGroup> Dispatcher::ready_groups() const {
  std::vector<ReadyGroup> groups;
  for (const UnitId unit : ready_) {
    const UnitTicket& ticket = units_.at(unit).ticket;
    const auto same = std::ranges::find_if(groups, [&](const ReadyGroup& group) {
      return group.job == ticket.job && group.model == ticket.model && group.part == ticket.part;
    });
    if (same == groups.end()) {
      groups.push_back({ticket.job, ticket.model, ticket.part, {unit}});
    } else {
      same->units.push_back(unit);
    }
  }
  return groups;
}

// ---- loading ----

const std::string& Dispatcher::device_of(const ReadyGroup& group) const {
  return jobs_.at(group.job).limits.devices.of(group.part);
}

bool Dispatcher::may_use(const ReadyGroup& group, std::size_t slot) const {
  if (slots_[slot].duty != Duty::kOn || !slots_[slot].spec.is_on(device_of(group))) return false;
  return jobs_.at(group.job).slots.contains(slot) || room_for_slots(group) > 0;
}

std::size_t Dispatcher::room_for_slots(const ReadyGroup& group) const {
  const JobRecord& job = jobs_.at(group.job);
  if (!job.limits.max_workers) return slots_.size();
  const auto counts = [&](std::size_t slot) {
    return is_in_service(slots_[slot]) && slots_[slot].duty == Duty::kOn &&
           slots_[slot].spec.is_on(device_of(group));
  };
  const auto in_service = static_cast<std::size_t>(std::ranges::count_if(job.slots, counts));
  return *job.limits.max_workers - std::min(in_service, *job.limits.max_workers);
}

// As many workers get the part as there are units that wait for it; one that must load it first
// does so while the others compute.
void Dispatcher::load_where_idle(const ReadyGroup& group) {
  const auto ready_to_take = [&](const Slot& slot) {
    if (!may_use(group, index_of(slot))) return false;
    return is_loading(slot, group) || (slot.state == SlotState::kIdle && has_part(slot, group));
  };
  auto there = static_cast<std::size_t>(std::ranges::count_if(slots_, ready_to_take));
  for (std::size_t i = 0; i < slots_.size() && there < group.units.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.state != SlotState::kIdle || has_part(slot, group)) continue;
    if (!may_use(group, i)) continue;
    load(slot, group);
    ++there;
  }
}

bool Dispatcher::has_part(const Slot& slot, const ReadyGroup& group) {
  return group.model == kNoModel || slot.loaded.contains({group.model, group.part});
}

bool Dispatcher::is_loading(const Slot& slot, const ReadyGroup& group) {
  return slot.loading && slot.loading->model == group.model && slot.loading->part == group.part;
}

void Dispatcher::load(Slot& slot, const ReadyGroup& group) {
  jobs_.at(group.job).slots.insert(index_of(slot));
  slot.state = SlotState::kLoading;
  slot.loading = Loading{group.job, group.model, group.part};
  commands_.emplace_back(LoadPart{slot.worker, group.job, group.model, group.part});
}

// ---- placing ----

// Those that have the part and that the job may use, at most as many as it may; the fastest of
// those that it has not used yet.
std::vector<std::size_t> Dispatcher::slots_with(const ReadyGroup& group) const {
  const JobRecord& job = jobs_.at(group.job);
  std::vector<std::size_t> used;
  std::vector<std::size_t> fresh;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const Slot& slot = slots_[i];
    const bool works = slot.state == SlotState::kIdle || slot.state == SlotState::kBusy;
    if (!works || !has_part(slot, group) || !may_use(group, i)) continue;
    (job.slots.contains(i) ? used : fresh).push_back(i);
  }
  const UnitTicket& first = units_.at(group.units.front()).ticket;
  std::ranges::stable_sort(fresh, {}, [&](std::size_t i) { return estimate(i, first, 1); });
  fresh.resize(std::min(fresh.size(), room_for_slots(group)));
  used.insert(used.end(), fresh.begin(), fresh.end());
  std::ranges::sort(used);
  return used;
}

// A unit that failed on a slot runs on another one, if there is one that could.
void Dispatcher::place_elsewhere(const ReadyGroup& group, UnitId unit, TimePoint now) {
  const std::size_t avoid = *units_.at(unit).avoid;
  const std::vector<std::size_t> all = slots_with(group);
  std::vector<std::size_t> others = all;
  std::erase(others, avoid);
  if (!others.empty()) return place_on(others, {unit}, now);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (i == avoid || !may_use(group, i)) continue;
    if (slot.state == SlotState::kIdle) load(slot, group);
    if (is_loading(slot, group)) return;
  }
  place_on(all, {unit}, now);
}

void Dispatcher::place_on(const std::vector<std::size_t>& slots, const std::vector<UnitId>& units,
                          TimePoint now) {
  if (slots.empty() || units.empty()) return;
  std::vector<PlacementWorker> workers;
  std::ranges::transform(slots, std::back_inserter(workers), [&](std::size_t slot) {
    return PlacementWorker{available_in(slots_[slot], now), slots_[slot].spec.group};
  });
  const Placement placement = place_units(workers, units.size(), costs(slots, units));
  for (std::size_t i = 0; i < units.size(); ++i) {
    Slot& slot = slots_[slots[placement.worker_of[i]]];
    if (slot.state == SlotState::kIdle) {
      start_unless_probed(slots, slot, units_.at(units[i]), now);
    } else {
      look_again_when_due(slot, now);
    }
  }
}

// Workers of one group may be slower together than one of them alone, which nobody knows before
// one ran alone: a unit that does so is a probe, and the group takes no other beside it.
void Dispatcher::start_unless_probed(const std::vector<std::size_t>& slots, Slot& slot,
                                     UnitRecord& unit, TimePoint now) {
  const std::string& group = slot.spec.group;
  const auto is_beside = [&](const Slot& s) { return !group.empty() && s.spec.group == group; };
  const auto probes = [&](const Slot& s) { return s.probes && is_beside(s); };
  if (std::ranges::any_of(slots_, probes)) return;
  const bool probe = wants_probe(slots, group, unit.ticket.shape);
  if (probe && busy_in(group) > 0) return;
  start(slot, unit, now);
  slot.probes = probe;
}

bool Dispatcher::wants_probe(const std::vector<std::size_t>& slots, const std::string& group,
                             const std::string& shape) const {
  if (group.empty()) return false;
  std::size_t members = 0;
  for (const std::size_t slot : slots) {
    if (slots_[slot].spec.group != group) continue;
    ++members;
    if (speeds_.has_measured(slot, shape, 1)) return false;
  }
  return members > 1 && speeds_.crowded_units(shape) >= members * kUnitsBeforeProbe;
}

int Dispatcher::busy_in(const std::string& group) const {
  return static_cast<int>(std::ranges::count_if(slots_, [&](const Slot& slot) {
    return slot.state == SlotState::kBusy && slot.spec.group == group;
  }));
}

void Dispatcher::start(Slot& slot, UnitRecord& unit, TimePoint now) {
  std::erase(ready_, unit.ticket.unit);
  jobs_.at(unit.ticket.job).slots.insert(index_of(slot));
  slot.state = SlotState::kBusy;
  slot.unit = unit.ticket.unit;
  slot.generation = unit.generation;
  slot.shape = unit.ticket.shape;
  slot.started = now;
  slot.crowd = slot.spec.group.empty() ? 1 : busy_in(slot.spec.group);
  slot.expected = estimate(index_of(slot), unit.ticket, slot.crowd);
  for (Slot& other : slots_) {
    const bool beside = other.state == SlotState::kBusy && other.spec.group == slot.spec.group;
    if (beside && !slot.spec.group.empty()) other.crowd = std::max(other.crowd, slot.crowd);
  }
  commands_.emplace_back(StartUnit{slot.worker, slot.unit, slot.generation, unit.ticket.model});
}

// ---- estimates ----

// Seconds until a worker is free. One that takes longer than expected may go on for as long again.
double Dispatcher::available_in(const Slot& slot, TimePoint now) const {
  if (slot.state != SlotState::kBusy) return 0.0;
  return std::abs(slot.expected - Seconds(now - slot.started).count());
}

void Dispatcher::look_again_when_due(const Slot& slot, TimePoint now) {
  const auto wait =
      std::chrono::duration_cast<TimePoint::duration>(Seconds(available_in(slot, now)));
  const TimePoint due = now + std::max<TimePoint::duration>(wait, kShortestWait);
  if (!place_again_at_ || due < *place_again_at_) place_again_at_ = due;
}

double Dispatcher::estimate(std::size_t slot, const UnitTicket& ticket, int crowd) const {
  const auto& given = jobs_.at(ticket.job).limits.speeds;
  const auto own = given.find(slot);
  if (own == given.end()) {
    return speeds_.seconds(slot, ticket.shape, crowd).value_or(kUnknownSeconds);
  }
  // What a speed of 1 needs, by all whose speed was given.
  double sum = 0.0;
  for (const auto& [other, speed] : given)
    sum += speed * speeds_.seconds(other, ticket.shape, crowd).value_or(kUnknownSeconds);
  return sum / static_cast<double>(given.size()) / own->second;
}

// Looked up once for units of the same shape.
UnitCost Dispatcher::costs(const std::vector<std::size_t>& slots,
                           const std::vector<UnitId>& units) const {
  std::vector<const UnitTicket*> shapes;
  std::vector<std::size_t> shape_of;
  for (const UnitId unit : units) {
    const UnitTicket& ticket = units_.at(unit).ticket;
    const auto same = std::ranges::find(shapes, ticket.shape, &UnitTicket::shape);
    shape_of.push_back(static_cast<std::size_t>(same - shapes.begin()));
    if (same == shapes.end()) shapes.push_back(&ticket);
  }
  const std::size_t crowds = slots.size();
  std::vector<double> table;
  for (const UnitTicket* shape : shapes) {
    for (const std::size_t slot : slots) {
      for (std::size_t crowd = 1; crowd <= crowds; ++crowd)
        table.push_back(estimate(slot, *shape, static_cast<int>(crowd)));
    }
  }
  return [=, table = std::move(table), shape_of = std::move(shape_of), workers = slots.size()](
             std::size_t worker, std::size_t unit, int crowd) {
    const auto shared = static_cast<std::size_t>(crowd) - 1;
    return table[(shape_of[unit] * workers + worker) * crowds + shared];
  };
}

}  // namespace tandem::coordinator
