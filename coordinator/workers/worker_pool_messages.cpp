// What the pool does with a worker's messages.
#include "coordinator/workers/worker_pool.hpp"
#include "coordinator/workers/worker_pool_state.hpp"

namespace tandem::coordinator {
namespace {

constexpr double kSpeedSmoothing = 0.2;

}  // namespace

void WorkerPool::receive(std::size_t slot, WorkerId worker, FromWorker message,
                         std::vector<ipc::Fd> fds) {
  if (const auto* loaded = std::get_if<ModelLoaded>(&message)) {
    loads_.loaded(slot, *loaded, std::move(fds));
  }
  std::visit([&](auto& m) { handle(slot, worker, std::move(m)); }, message);
  carry_out();
}

void WorkerPool::handle(std::size_t slot, WorkerId worker, WorkerHello message) {
  if (message.protocol != kWorkerProtocolVersion) {
    slots_[slot]->process->kill("it speaks version " + std::to_string(message.protocol) +
                                " of the worker protocol, not " +
                                std::to_string(kWorkerProtocolVersion));
    return;
  }
  loads_.greeted(slot, message);
  slots_[slot]->hello = std::move(message);
  const bool is_gpu = slots_[slot]->spec.kind == "gpu";
  if (slabs_ && is_gpu && slots_[slot]->process->offer_slab(*slabs_)) return;
  dispatcher_.worker_ready(worker, now());
}

void WorkerPool::handle(std::size_t slot, WorkerId worker, const SlabAttached& message) {
  WorkerProcess& process = *slots_[slot]->process;
  if (!process.slab_attached(message)) return process.kill("it answers what it was not asked");
  dispatcher_.worker_ready(worker, now());
}

void WorkerPool::handle(std::size_t, WorkerId worker, ModelLoaded message) {
  dispatcher_.model_loaded(worker, message.model, message.part, now());
  for (const auto& [job, units] : jobs_)
    observer_.loading(job, message.model, message.part, true);
}

void WorkerPool::handle(std::size_t slot, WorkerId worker, ModelFailed message) {
  if (loads_.failed(slot, message)) return;
  message.failure.worker = slots_[slot]->spec.name;
  dispatcher_.model_failed(worker, message.failure, now());
}

void WorkerPool::handle(std::size_t index, WorkerId worker, UnitDone message) {
  Slot& slot = *slots_[index];
  busy_wait_.expect_more(now());
  if (message.in_slab && !collect(index, worker, message)) return;
  ++slot.units_done;
  slot.unit_seconds =
      slot.unit_seconds == 0.0
          ? message.seconds
          : slot.unit_seconds + kSpeedSmoothing * (message.seconds - slot.unit_seconds);
  if (!dispatcher_.unit_done(worker, message.unit_id, message.generation, now())) return;
  if (const auto unit = units_.find(message.unit_id); unit != units_.end()) {
    observer_.unit_done(unit->second.batch->job(), message.seconds);
  }
  deliver(message.unit_id,
          UnitOutcome{std::move(message.result), nullptr, slot.spec.name, message.seconds});
}

// False where the result could not be had: the unit runs again once the worker's end was seen.
bool WorkerPool::collect(std::size_t slot, WorkerId worker, const UnitDone& message) {
  const auto it = units_.find(message.unit_id);
  if (it == units_.end()) return true;  // nobody waits for it
  const PendingUnit& unit = it->second;
  if (unit.worker != worker || unit.generation != message.generation) return true;
  WorkerProcess& process = *slots_[slot]->process;
  try {
    if (!unit.slab || !unit.slab->result)
      throw Error(ErrorCode::kInternal, "it was given no GPU memory for it");
    process.slab()->collect(*unit.slab, *unit.output);
    return true;
  } catch (const Error& error) {
    process.kill(std::string("its result could not be fetched: ") + error.what());
    return false;
  }
}

void WorkerPool::handle(std::size_t slot, WorkerId worker, UnitFailed message) {
  message.failure.worker = slots_[slot]->spec.name;
  dispatcher_.unit_failed(worker, message.unit_id, message.generation, message.failure, now());
}

void WorkerPool::deliver(UnitId unit, UnitOutcome outcome) {
  const auto it = units_.find(unit);
  if (it == units_.end()) return;
  outcome.output = std::move(it->second.output);
  const auto batch = it->second.batch;
  const std::size_t index = it->second.index;
  units_.erase(it);
  batch->deliver(index, std::move(outcome));
}

}  // namespace tandem::coordinator
