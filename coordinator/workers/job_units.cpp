#include "coordinator/workers/job_units.hpp"

#include <utility>

#include "ipc/busy_wait.hpp"

namespace tandem::coordinator {
namespace {

// Constants of a job are numbered within it, so that an id is never used by two jobs.
constexpr int kConstantBits = 24;

void poll(const std::future<std::vector<UnitOutcome>>& results) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + ipc::kBusyWait;
  while (results.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    if (Clock::now() > end) return;
    ipc::relax_core();
  }
}

Failure cancelled_failure() {
  return {ErrorCode::kCancelled, "The job was cancelled."};
}

}  // namespace

void UnitBatch::deliver(std::size_t index, UnitOutcome outcome) {
  if (has_ended()) return;
  outcomes_[index] = std::move(outcome);
  if (--missing_ > 0) return;
  std::exchange(done_, {})(std::move(outcomes_), std::nullopt);
}

void UnitBatch::fail(const Failure& failure) {
  if (!has_ended()) std::exchange(done_, {})({}, failure);
}

JobUnits::JobUnits(JobId job, std::shared_ptr<TensorArena> inputs, Submit submit, bool busy_wait,
                   Drop drop, MemoryFiles files)
    : job_(job),
      inputs_(std::move(inputs)),
      submit_(std::move(submit)),
      drop_(std::move(drop)),
      busy_wait_(busy_wait) {
  for (auto& file : files)
    files_.emplace(new_id(), std::move(file));
}

ConstantId JobUnits::new_id() {
  return {(job_.value << kConstantBits) + next_constant_++};
}

ConstantId JobUnits::add_constant(ConstantData data) {
  const std::lock_guard lock(mutex_);
  const ConstantId id = new_id();
  constants_.emplace(id, std::move(data));
  return id;
}

void JobUnits::drop_constants(std::vector<ConstantId> constants) {
  {
    const std::lock_guard lock(mutex_);
    for (const ConstantId id : constants)
      constants_.erase(id);
  }
  if (drop_) drop_(std::move(constants));
}

std::vector<UnitOutcome> JobUnits::run(std::vector<UnitTask> tasks) {
  check_cancelled();
  if (tasks.empty()) return {};
  const auto promise = std::make_shared<std::promise<std::vector<UnitOutcome>>>();
  auto results = promise->get_future();
  const auto done = [promise](std::vector<UnitOutcome> outcomes,
                              const std::optional<Failure>& failure) {
    if (failure) return promise->set_exception(std::make_exception_ptr(Error(*failure)));
    promise->set_value(std::move(outcomes));
  };
  const auto batch = std::make_shared<UnitBatch>(job_, tasks.size(), done);
  submit_(batch, std::move(tasks));
  if (busy_wait_) poll(results);
  return results.get();
}

void JobUnits::check_cancelled() {
  if (cancelled_ || interrupted_) throw Error(cancelled_failure());
}

bool JobUnits::admit(const std::shared_ptr<UnitBatch>& batch) {
  if (cancelled_ || interrupted_) {
    batch->fail(cancelled_failure());
    return false;
  }
  std::erase_if(batches_, [](const auto& other) { return other->has_ended(); });
  batches_.push_back(batch);
  return true;
}

void JobUnits::fail(const Failure& failure) {
  for (const auto& batch : std::exchange(batches_, {}))
    batch->fail(failure);
}

void JobUnits::cancel() {
  cancelled_ = true;
  fail(cancelled_failure());
}

std::optional<CondData> JobUnits::constant(ConstantId id) const {
  const std::lock_guard lock(mutex_);
  const auto found = constants_.find(id);
  return found == constants_.end() ? std::nullopt : std::optional(found->second.cond);
}

std::vector<ConstantId> JobUnits::constants() const {
  const std::lock_guard lock(mutex_);
  std::vector<ConstantId> ids;
  for (const auto& [id, data] : constants_)
    ids.push_back(id);
  for (const auto& [id, file] : files_)
    ids.push_back(id);
  return ids;
}

}  // namespace tandem::coordinator
