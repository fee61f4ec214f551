// One job's units between its thread, which blocks in run(), and the io thread, where everything
// else of them happens.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "coordinator/dispatch/memory_file.hpp"
#include "coordinator/dispatch/unit_executor.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {

// Units that are asked for at once. On the io thread.
class UnitBatch {
 public:
  // Called once, with the outcomes in the order of the units, or with why there are none.
  using Done = std::function<void(std::vector<UnitOutcome>, const std::optional<Failure>&)>;

  UnitBatch(JobId job, std::size_t units, Done done)
      : job_(job), missing_(units), outcomes_(units), done_(std::move(done)) {}

  JobId job() const { return job_; }
  void deliver(std::size_t index, UnitOutcome outcome);
  // The first failure counts; what is delivered later is dropped.
  void fail(const Failure& failure);
  bool has_ended() const { return !done_; }

 private:
  JobId job_;
  std::size_t missing_;
  std::vector<UnitOutcome> outcomes_;
  Done done_;
};

class JobUnits : public UnitExecutor {
 public:
  // Hands a batch to the io thread; called on the job's thread.
  using Submit = std::function<void(std::shared_ptr<UnitBatch>, std::vector<UnitTask>)>;
  // Tells the workers, likewise.
  using Drop = std::function<void(std::vector<ConstantId>)>;

  // busy_wait: run() polls for a while before it sleeps.
  JobUnits(JobId job, std::shared_ptr<TensorArena> inputs, Submit submit, bool busy_wait = false,
           Drop drop = {}, MemoryFiles files = {});

  TensorArena& inputs() override { return *inputs_; }
  ConstantId add_constant(ConstantData data) override;
  void drop_constants(std::vector<ConstantId> constants) override;
  std::vector<UnitOutcome> run(std::vector<UnitTask> tasks) override;
  void check_cancelled() override;

  // ---- on any thread ----

  // Until resume() every run() throws kCancelled; one that has begun is ended by
  // WorkerPool::interrupt_job alone.
  void interrupt() { interrupted_ = true; }
  void resume() { interrupted_ = false; }

  // ---- on the io thread ----

  // Takes a batch in; one that comes after the cancel fails at once (false).
  bool admit(const std::shared_ptr<UnitBatch>& batch);
  void fail(const Failure& failure);
  void cancel();

  // Nullopt where it was dropped.
  std::optional<CondData> constant(ConstantId id) const;
  std::vector<ConstantId> constants() const;  // the files' too
  // Each with the id under which workers keep it.
  const std::map<ConstantId, std::shared_ptr<const MemoryFile>>& files() const { return files_; }

 private:
  ConstantId new_id();

  JobId job_;
  std::shared_ptr<TensorArena> inputs_;
  Submit submit_;
  Drop drop_;
  bool busy_wait_;
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> interrupted_ = false;
  std::vector<std::shared_ptr<UnitBatch>> batches_;  // those that go on, and some that ended
  mutable std::mutex mutex_;                         // of the constants, which both threads use
  std::map<ConstantId, ConstantData> constants_;
  std::uint64_t next_constant_ = 1;
  std::map<ConstantId, std::shared_ptr<const MemoryFile>> files_;
};

}  // namespace tandem::coordinator
