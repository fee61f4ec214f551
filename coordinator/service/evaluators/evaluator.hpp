// One evaluator of a host: a thread of its own, on which its conds are encoded and large evaluates
// cut into units and merged, one after the other, and its share of the workers. A small evaluate,
// whose arithmetic takes less time than waking a thread twice, needs the io thread alone.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "coordinator/service/evaluators/evaluator_run.hpp"
#include "coordinator/service/evaluators/host_slots.hpp"
#include "coordinator/service/evaluators/work_thread.hpp"
#include "coordinator/workers/worker_pool.hpp"

namespace tandem::coordinator {

// What becomes of a request: the fields of its reply, or the failure.
struct EvaluatorAnswer {
  std::optional<Failure> failure;
  boost::json::object fields;
  ipc::Fd tensors;  // of the reply; not valid: none
};

using EvaluatorDone = std::function<void(EvaluatorAnswer)>;

// Appends to the list "warnings" of a reply, which is there where it has members.
void add_warnings(boost::json::object& fields, const boost::json::array& warnings);

// Lives on the io thread, and so are all calls and all callbacks.
class Evaluator {
 public:
  // Opens the pool's job of this id.
  Evaluator(WorkerPool& pool, EvaluatorExecutor& executor, AcceptedEvaluator accepted,
            JobLimits limits, std::optional<HostSlots> slots);
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;
  // After close() has called back.
  ~Evaluator() = default;

  const AcceptedEvaluator& accepted() const { return accepted_; }

  // To be called first: the answer describes the model.
  void prepare(CondsToAdd conds, EvaluatorDone done);
  void add_conds(CondsToAdd conds, EvaluatorDone done);
  void drop_conds(std::vector<std::string> ids, EvaluatorDone done);
  // x: the message's, null where it lies in the slot. Throws kBadRequest while another one goes on
  // and for lists that the slot has no room for, kMissingTensor and kBadShape for x.
  void evaluate(std::uint64_t id, EvaluateRequest request, std::shared_ptr<const TensorFile> x,
                EvaluatorDone done);
  // The evaluate of this id, where it goes on, ends as cancelled.
  void cancel(std::uint64_t id);
  // Cancels what goes on and closes the pool's job; `closed` is called after the last answer, and
  // may destroy this.
  void close(std::function<void()> closed);

 private:
  struct Call;

  void add_work(std::function<EvaluatorAnswer()> work, EvaluatorDone done);
  void add_to_thread(std::function<void()> work);
  bool is_small() const;
  void evaluate_on_thread(const std::shared_ptr<Call>& call, EvaluateRequest request,
                          std::shared_ptr<const TensorFile> x, EvaluatorDone done);
  void evaluate_here(const std::shared_ptr<Call>& call, const EvaluateRequest& request,
                     const TensorFile* x, EvaluatorDone done);
  void ended_here();
  std::vector<UnitTask> begin(const EvaluateRequest& request, const TensorFile* x);
  EvaluatorAnswer answer_with(const std::vector<std::span<const std::byte>>& predictions,
                              bool in_slot) const;
  void check_x(const EvaluateRequest& request, const TensorFile* x) const;

  WorkerPool& pool_;
  EvaluatorExecutor& executor_;
  AcceptedEvaluator accepted_;
  std::optional<HostSlots> slots_;
  std::shared_ptr<JobUnits> units_;
  std::unique_ptr<EvaluatorRun> run_;  // used by the thread, or by an evaluate on the io thread
  std::shared_ptr<Call> call_;         // the evaluate that goes on
  bool is_here_ = false;               // on the io thread; what comes for the thread waits
  std::vector<std::function<void()>> held_back_;
  std::size_t waiting_ = 0;  // requests without an answer
  bool closing_ = false;
  WorkThread thread_;  // last: it ends before what it works with
};

}  // namespace tandem::coordinator
