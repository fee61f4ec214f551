// The evaluators of all hosts. One ends with the connection that prepared it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coordinator/service/evaluators/evaluator.hpp"
#include "coordinator/service/job_record.hpp"
#include "protocol/host_event.hpp"
#include "protocol/host_message.hpp"

namespace tandem::coordinator {

inline constexpr std::size_t kMaxEvaluators = 64;

// What evaluators need of the service in which jobs run too.
struct EvaluatorHost {
  WorkerPool& pool;
  EvaluatorExecutor& executor;
  std::size_t max_tensor_bytes = 0;  // of one message
  // Opens the models and files that the job names and chooses its devices.
  std::function<AcceptedJob(job::Job, std::shared_ptr<const TensorFile>,
                            std::vector<WarningEvent>&)>
      accept;
  // Opens what the prompts name, the embeddings given lack and the embeddings folders have.
  std::function<Embeddings(std::span<const PromptUse>, const Embeddings&)> find_embeddings;
  std::function<JobLimits(const AcceptedJob&)> limits;
  std::function<boost::json::object(const AcceptedJob&)> types;
  // Nothing computes with the job's models for it any more.
  std::function<void(const AcceptedJob&)> ended;
  // A request to an evaluator of this host is worked on, and is done: what its units take counts as
  // the host's.
  std::function<void(const JobOwner&)> request_begins;
  std::function<void(const JobOwner&)> request_ends;
};

// Lives on the io thread; so are all calls and callbacks. Requests throw what is wrong with them at
// once; what goes wrong later is in the answer.
class EvaluatorService {
 public:
  // A connection: whoever prepared an evaluator. Compared, never looked into.
  using Owner = const void*;
  using Fds = std::vector<ipc::Fd>;

  explicit EvaluatorService(EvaluatorHost host);

  // Takes what the request names of the descriptors. The answer is the whole reply.
  void prepare(Owner owner, const JobOwner& host, PrepareRequest request, Fds& fds,
               EvaluatorDone done);
  void add_conds(Owner owner, AddCondsRequest request, Fds& fds, EvaluatorDone done);
  void drop_conds(Owner owner, DropCondsRequest request, EvaluatorDone done);
  void evaluate(Owner owner, std::uint64_t id, EvaluateRequest request, Fds& fds,
                EvaluatorDone done);
  void release(Owner owner, const ReleaseRequest& request, EvaluatorDone done);
  // From any connection.
  void cancel(const CancelRequest& request);

  // Whose evaluator is the pool's job of this id; nullptr where it is none. Valid until the next
  // call.
  const JobOwner* host_of(JobId job) const;

  // The connection is gone.
  void end_of(Owner owner);
  // `done` is called when the last evaluator has ended; no other is prepared after this.
  void close_all(std::function<void()> done);

 private:
  struct Entry {
    Owner owner = nullptr;
    JobOwner host;
    std::unique_ptr<Evaluator> evaluator;
  };

  AcceptedEvaluator accept(PrepareRequest& request,
                           const std::shared_ptr<const TensorFile>& tensors,
                           std::vector<WarningEvent>& warnings);
  CondsToAdd conds_to_add(const AcceptedJob& job, evaluator::Conds conds,
                          std::shared_ptr<const TensorFile> tensors) const;
  Evaluator& add(Owner owner, const JobOwner& host, const std::string& id,
                 AcceptedEvaluator accepted, std::optional<HostSlots> slots);
  // Asks an evaluator of the host for something: `ask` hands on what is called at the end.
  void work_for(const JobOwner& host, EvaluatorDone done,
                const std::function<void(EvaluatorDone)>& ask);
  std::shared_ptr<const TensorFile> take_tensors(const std::optional<int>& index, Fds& fds) const;
  // Throws kNotFound for another connection's as well.
  Entry& at(Owner owner, const std::string& id);
  void close(const std::string& id, EvaluatorDone done);
  void closed(const std::string& id);

  EvaluatorHost host_;
  std::string prefix_;
  std::uint64_t next_ = 1;
  std::map<std::string, Entry> evaluators_;
  bool ends_ = false;
  std::function<void()> on_all_closed_;
};

}  // namespace tandem::coordinator
