// Takes jobs, runs them one after the other on a thread of their own, and keeps what became of
// them. What a host's connection asks for ends up here.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>

#include "coordinator/service/evaluators/evaluator_service.hpp"
#include "coordinator/service/job_executor.hpp"
#include "coordinator/service/job_table.hpp"
#include "coordinator/service/memory_service.hpp"
#include "coordinator/service/model_folders.hpp"
#include "coordinator/service/model_registry.hpp"
#include "coordinator/service/session_table.hpp"
#include "coordinator/workers/accelerator_listing.hpp"
#include "coordinator/workers/worker_pool.hpp"
#include "ipc/fd.hpp"
#include "protocol/host_message.hpp"

namespace tandem::coordinator {

// Lives on the io thread; so are all calls.
class JobService {
 public:
  JobService(boost::asio::io_context& io, PoolOptions workers, JobExecutor& executor,
             HostLimits limits, ModelFolders folders = {});
  ~JobService();

  const HostLimits& limits() const { return limits_; }
  ipc::BusyWait& busy_wait() { return pool_->busy_wait(); }

  // Checks everything that can be checked before a job runs; throws Error. The watcher gets its
  // events.
  std::shared_ptr<JobRecord> submit(SubmitRequest request, ipc::Fd tensors, const JobOwner& owner,
                                    const std::shared_ptr<EventSink>& watcher);
  // Throws kNotFound.
  std::shared_ptr<JobRecord> find(const std::string& id) const { return jobs_.at(id); }
  std::vector<std::shared_ptr<JobRecord>> all() const { return jobs_.all(); }
  // Cancelling twice, or what has ended, is no error.
  void cancel(const std::string& id);
  void forget(const std::string& id) { jobs_.forget(id); }

  boost::json::object catalog() const;
  // Calls `done` with the reply to `devices`: at once, but for the first time, when the machine's
  // accelerators have to be listed first.
  void devices(std::function<void(const boost::json::object&)> done);
  // Acts on the workers of a device, or on one; returns the device as `devices` tells it.
  boost::json::object worker(const WorkerRequest& request);
  // The session of a connection that begins; to be ended with end_session.
  std::string begin_session(const std::optional<std::string>& asked, std::uint32_t user);
  void end_session(const std::string& session);
  EvaluatorService& evaluators() { return *evaluators_; }
  MemoryService memory() { return {pool_->models(), models_}; }
  // "types" of the replies to submit and result: what the job's parts compute in.
  boost::json::object types(const AcceptedJob& job) const;

  // Cancels all jobs and ends all workers, then calls `done`.
  void shut_down(std::function<void()> done);

 private:
  class Progress;

  AcceptedJob accept(job::Job job, ipc::Fd tensors, const JobOwner& owner,
                     std::vector<WarningEvent>& warnings);
  // Finds the files that it names, and opens models and files; nothing is checked beyond.
  AcceptedJob open_inputs(job::Job job, std::shared_ptr<const TensorFile> tensors,
                          std::vector<WarningEvent>& warnings);
  // What the job names and what its texts name; nullopt where no embedding is known at all.
  std::optional<Embeddings> open_embeddings(const AcceptedJob& job) const;
  void forget_outdated(const AcceptedJob& job);
  EvaluatorHost evaluator_host();
  void shut_down_jobs(std::function<void()> done);
  KnownModel resolve(const ModelSpec& spec);
  // The model in float32, where one of its parts computes in another type.
  std::optional<ModelId> fp32_twin(const AcceptedJob& job, ModelSpec spec);
  JobLimits limits_of(const AcceptedJob& accepted) const;
  void start_next();
  void run(const std::shared_ptr<JobRecord>& record, const std::shared_ptr<UnitExecutor>& units);
  void finish(const std::shared_ptr<JobRecord>& record, std::optional<Failure> failure,
              JobResult result);
  void end_queued(JobRecord& record);
  void on_worker_event(const WorkerEventInfo& info);
  void on_loading(JobId job, ModelId model, bool loaded);
  void on_over_budget(JobId job, ModelId model, const std::string& device, std::uint64_t bytes);
  void expire();
  void expire_later();

  boost::asio::io_context& io_;
  HostLimits limits_;
  JobExecutor& executor_;
  ModelFolders folders_;
  ModelRegistry models_;
  JobTable jobs_;
  SessionTable sessions_;
  AcceleratorListing accelerators_;
  std::unique_ptr<WorkerPool> pool_;
  std::unique_ptr<EvaluatorService> evaluators_;
  std::shared_ptr<JobRecord> running_;
  Phase phase_around_loading_ = Phase::kQueued;  // of the running job
  std::jthread thread_;
  boost::asio::steady_timer expiry_;
  std::uint64_t next_job_ = 1;
  std::vector<WorkerSpec> workers_;  // as the service was started with
  bool shutting_down_ = false;
  std::function<void()> on_shut_down_;
};

}  // namespace tandem::coordinator
