#include "coordinator/workers/worker_pool.hpp"

#include <algorithm>
#include <iterator>

#include "coordinator/dispatch/unit_shape.hpp"
#include "coordinator/workers/worker_pool_state.hpp"
#include "ipc/log.hpp"

namespace tandem::coordinator {
namespace {

std::vector<WorkerSlot> dispatch_slots(const std::vector<WorkerSpec>& workers) {
  std::vector<WorkerSlot> slots;
  std::ranges::transform(workers, std::back_inserter(slots), dispatch_slot);
  return slots;
}

// Those of plug-ins have none.
void set_model(Unit& unit, ModelId model) {
  std::visit(
      [&](auto& some) {
        if constexpr (requires { some.model; }) some.model = model;
      },
      unit);
}

}  // namespace

WorkerPool::WorkerPool(boost::asio::io_context& io, PoolOptions options, FindModel find_model,
                       PoolObserver observer)
    : io_(io),
      options_(std::move(options)),
      find_model_(std::move(find_model)),
      observer_(std::move(observer)),
      inputs_(std::make_shared<TensorArena>()),
      dispatcher_(dispatch_slots(options_.workers), options_.respawn, now()),
      loads_(load_hooks(), options_.budgets),
      timer_(io),
      busy_wait_(options_.busy_waits.service),
      hand_off_(ipc::HandOff::create(io)) {
  busy_wait_.add(hand_off_);
  if (options_.cuda) slabs_.emplace(options_.cuda);
  for (const WorkerSpec& spec : options_.workers)
    add_slot(spec);
  carry_out();
}

ModelLoads::Hooks WorkerPool::load_hooks() {
  ModelLoads::Hooks hooks;
  hooks.files = find_model_;
  hooks.send = [this](std::size_t slot, const ToWorker& message, std::vector<ipc::Fd> fds) {
    if (slots_[slot]->process) slots_[slot]->process->send(message, std::move(fds));
  };
  hooks.dropped = [this](const HeldPart& held) {
    dispatcher_.part_dropped(held.slot, held.model, held.part);
  };
  hooks.is_needed = [this](ModelId model, ModelPart part) {
    return dispatcher_.is_needed(model, part);
  };
  hooks.is_in_job = [this](ModelId model) { return dispatcher_.is_in_job(model); };
  hooks.over_budget = observer_.over_budget;
  return hooks;
}

WorkerPool::~WorkerPool() = default;

std::shared_ptr<JobUnits> WorkerPool::open_job(JobId job, JobLimits limits, MemoryFiles files) {
  const auto submit_later = [this](std::shared_ptr<UnitBatch> batch, std::vector<UnitTask> tasks) {
    hand_off_->post([this, batch = std::move(batch), tasks = std::move(tasks)]() mutable {
      submit(batch, std::move(tasks));
    });
  };
  const auto drop_later = [this](std::vector<ConstantId> constants) {
    hand_off_->post([this, constants = std::move(constants)] { drop_constants(constants); });
  };
  auto units = std::make_shared<JobUnits>(job, inputs_, submit_later, options_.busy_waits.workers,
                                          drop_later, std::move(files));
  jobs_[job] = units;
  dispatcher_.open_job(job, std::move(limits));
  return units;
}

void WorkerPool::start_units(JobId job, std::vector<UnitTask> tasks, UnitBatch::Done done) {
  // Later, for the pool is in the middle of something when the last outcome comes.
  const auto done_later = [this, done = std::move(done)](std::vector<UnitOutcome> outcomes,
                                                         const std::optional<Failure>& failure) {
    hand_off_->post([done, outcomes = std::move(outcomes), failure]() mutable {
      done(std::move(outcomes), failure);
    });
  };
  if (tasks.empty()) return done_later({}, std::nullopt);
  const auto batch = std::make_shared<UnitBatch>(job, tasks.size(), done_later);
  submit(batch, std::move(tasks));
}

void WorkerPool::cancel_job(JobId job) {
  const auto it = jobs_.find(job);
  if (it != jobs_.end()) it->second->cancel();
}

void WorkerPool::interrupt_job(JobId job) {
  const auto it = jobs_.find(job);
  if (it == jobs_.end()) return;
  it->second->interrupt();
  it->second->fail({ErrorCode::kCancelled, "It was cancelled."});
  std::erase_if(units_, [&](const auto& unit) { return unit.second.batch->job() == job; });
  dispatcher_.drop_units(job, now());
  carry_out();
}

void WorkerPool::drop_constants(const std::vector<ConstantId>& constants) {
  for (const auto& slot : slots_) {
    if (!slot->process) continue;
    const auto known = slot->process->forget(constants);
    if (!known.empty()) slot->process->send(DropConstants{known});
  }
}

void WorkerPool::close_job(JobId job) {
  const auto it = jobs_.find(job);
  if (it == jobs_.end()) return;
  drop_constants(it->second->constants());
  jobs_.erase(it);
  std::erase_if(units_, [&](const auto& unit) { return unit.second.batch->job() == job; });
  dispatcher_.close_job(job, now());
  carry_out();
}

void WorkerPool::shut_down(std::function<void()> done) {
  shutting_down_ = true;
  on_shut_down_ = std::move(done);
  timer_.cancel();
  for (const auto& [id, job] : jobs_)
    job->cancel();
  bool any = false;
  for (const auto& slot : slots_) {
    if (!slot->process) continue;
    any = true;
    slot->process->kill("the service is shut down");
  }
  if (!any) on_shut_down_();
}

void WorkerPool::submit(const std::shared_ptr<UnitBatch>& batch, std::vector<UnitTask> tasks) {
  const auto job = jobs_.find(batch->job());
  if (job == jobs_.end()) return batch->fail({ErrorCode::kCancelled, "The job has ended."});
  if (!job->second->admit(batch)) return;
  std::vector<UnitTicket> tickets;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const UnitId id{next_unit_++};
    const Unit& unit = tasks[i].unit;
    tickets.push_back({id, batch->job(), model_of(unit), part_of(unit), shape_of(unit)});
    units_.emplace(id, PendingUnit{std::move(tasks[i]), batch, i, nullptr, {}, {}, {}});
  }
  dispatcher_.submit(tickets, now());
  carry_out();
}

// A command may lead to further ones (a worker that can't be started); they are taken in the same
// loop.
void WorkerPool::carry_out() {
  if (std::exchange(carrying_out_, true)) return;
  for (auto commands = dispatcher_.take_commands(); !commands.empty();
       commands = dispatcher_.take_commands()) {
    if (shutting_down_) continue;
    for (const Command& command : commands) {
      std::visit([this](const auto& c) { carry_out(c); }, command);
    }
  }
  carrying_out_ = false;
  arm_timer();
}

void WorkerPool::carry_out(const SpawnWorker& command) {
  Slot& slot = *slots_[command.slot];
  slot.worker = command.worker;
  const std::size_t index = command.slot;
  const WorkerId worker = command.worker;
  WorkerProcess::Handlers handlers;
  handlers.on_message = [this, index, worker](FromWorker message, std::vector<ipc::Fd> fds) {
    receive(index, worker, std::move(message), std::move(fds));
  };
  handlers.on_exit = [this, index, worker](const WorkerEnd& end) {
    worker_exited(index, worker, end);
  };
  const int threads = slot.spec.kind == "cpu" ? options_.threads : 1;
  try {
    slot.process = std::make_unique<WorkerProcess>(
        io_,
        WorkerLaunch{options_.worker_program, slot.spec, threads, options_.hook_cache_bytes,
                     options_.plugins, options_.cuda_graphs, options_.busy_waits.workers},
        std::move(handlers));
    if (options_.busy_waits.service) busy_wait_.add(slot.process->offer_lane());
  } catch (const Error& error) {
    dispatcher_.worker_exited(worker, std::string("It could not be started: ") + error.what(),
                              now());
  }
}

void WorkerPool::carry_out(const KillWorker& command) {
  if (WorkerProcess* process = find_process(command.worker)) process->kill(command.reason);
}

void WorkerPool::carry_out(const LoadPart& command) {
  const auto slot = find_slot(command.worker);
  if (!slot) return;
  loads_.load(*slot, command);
  observer_.loading(command.job, command.model, command.part, false);
}

void WorkerPool::carry_out(const StartUnit& command) {
  WorkerProcess* process = find_process(command.worker);
  const auto it = units_.find(command.unit);
  if (process == nullptr || it == units_.end()) return;
  PendingUnit& unit = it->second;
  set_model(unit.task.unit, command.model);
  loads_.used(*find_slot(command.worker), command.model, part_of(unit.task.unit));
  try {
    process->share_inputs(*inputs_);
    send_files(*process, *jobs_.at(unit.batch->job()));
    send_constants(*process, unit.batch->job(), unit.task.constants);
    OutputSlot output;
    if (unit.task.output_bytes > 0) {
      unit.output = process->allocate_output(unit.task.output_bytes);
      output = {unit.output->segment(), unit.output->offset(), unit.output->bytes()};
    }
    unit.worker = command.worker;
    unit.generation = command.generation;
    SlabChannel* slab = process->slab();
    unit.slab = slab == nullptr
                    ? std::nullopt
                    : slab->publish(unit.task.inputs,
                                    unit.task.output_bytes > 0 ? unit.output.get() : nullptr);
    process->send(RunUnit{command.unit, command.generation, unit.task.unit, output, unit.slab});
    busy_wait_.expect_more(now());
  } catch (const Error& error) {
    dispatcher_.unit_failed(command.worker, command.unit, command.generation, error.failure(),
                            now());
  }
}

void WorkerPool::carry_out(const FailJob& command) {
  std::erase_if(units_, [&](const auto& unit) { return unit.second.batch->job() == command.job; });
  const auto job = jobs_.find(command.job);
  if (job != jobs_.end()) job->second->fail(command.failure);
}

void WorkerPool::carry_out(const WorkerNotice& command) {
  const Slot& slot = *slots_[command.slot];
  WorkerEventInfo info{command.what, slot.spec.name, command.detail, {}, {}, command.unit};
  if (command.what == WorkerNotice::What::kLost) {
    info.exit = slot.last_end.exit;
    info.signal = slot.last_end.signal;
  }
  observer_.worker_event(info);
}

void WorkerPool::worker_exited(std::size_t slot, WorkerId worker, const WorkerEnd& end) {
  slots_[slot]->process.reset();
  loads_.exited(slot, worker);
  if (shutting_down_) {
    const auto lives = [](const auto& s) { return s->process != nullptr; };
    if (std::ranges::none_of(slots_, lives) && on_shut_down_) std::exchange(on_shut_down_, {})();
    return;
  }
  slots_[slot]->last_end = end;
  ipc::log(ipc::LogLevel::kWarn, "workers", end.words);
  dispatcher_.worker_exited(worker, end.words, now(), end.exit != kExitNoDevice);
  carry_out();
}

void WorkerPool::arm_timer() {
  const auto deadline = dispatcher_.next_deadline();
  if (!deadline || shutting_down_) return;
  timer_.expires_at(*deadline);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    dispatcher_.tick(now());
    carry_out();
  });
}

std::optional<std::size_t> WorkerPool::find_slot(WorkerId worker) const {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i]->worker == worker) return i;
  }
  return std::nullopt;
}

WorkerProcess* WorkerPool::find_process(WorkerId worker) {
  const auto slot = find_slot(worker);
  return slot ? slots_[*slot]->process.get() : nullptr;
}

}  // namespace tandem::coordinator
