#include "coordinator/service/job_service.hpp"

#include <algorithm>
#include <set>

#include <boost/asio/post.hpp>

#include "coordinator/service/device_choice.hpp"
#include "coordinator/service/device_report.hpp"
#include "coordinator/service/worker_control.hpp"
#include "ipc/log.hpp"
#include "ipc/process/heap.hpp"
#include "protocol/version.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::chrono::seconds kExpiryCheck(30);

WorkerChange change_of(WorkerNotice::What what) {
  using What = WorkerNotice::What;
  switch (what) {
    case What::kStarted:
      return WorkerChange::kStarted;
    case What::kReplaced:
      return WorkerChange::kReplaced;
    case What::kRerun:
      return WorkerChange::kRerun;
    case What::kLost:
    case What::kQuarantined:
    case What::kFp32:
      break;
  }
  return WorkerChange::kLost;
}

std::vector<ModelId> models_of(const AcceptedJob& job) {
  std::vector<ModelId> models = {job.model};
  if (job.upscale) models.push_back(job.upscale->model);
  if (job.fp32) models.push_back(*job.fp32);
  return models;
}

}  // namespace

// Carries what a job's thread tells to the io thread, in order.
class JobService::Progress : public JobProgress {
 public:
  Progress(std::shared_ptr<ipc::HandOff> io_thread, std::shared_ptr<JobRecord> record)
      : io_thread_(std::move(io_thread)), record_(std::move(record)) {}

  void phase(Phase phase) override {
    PhaseEvent event;
    event.phase = phase;
    add(std::move(event));
  }
  void step(StepEvent event) override { add(std::move(event)); }
  void warning(const std::string& code, const std::string& message) override {
    add(WarningEvent{code, message});
  }
  bool wants_preview() const override { return record_->has_viewer(); }
  void preview(int step, ipc::Fd tensors) override {
    auto shared = std::make_shared<ipc::Fd>(std::move(tensors));
    io_thread_->post(
        [record = record_, step, shared] { record->add_preview(step, std::move(*shared)); });
  }

 private:
  void add(Event event) {
    io_thread_->post([record = record_, event = std::move(event)]() mutable {
      record->add_event(std::move(event));
    });
  }

  std::shared_ptr<ipc::HandOff> io_thread_;
  std::shared_ptr<JobRecord> record_;
};

JobService::JobService(boost::asio::io_context& io, PoolOptions workers, JobExecutor& executor,
                       HostLimits limits, ModelFolders folders)
    : io_(io),
      limits_(limits),
      executor_(executor),
      folders_(std::move(folders)),
      jobs_(limits),
      sessions_(std::chrono::seconds(limits.result_ttl_seconds)),
      accelerators_(io, {workers.worker_program}),
      expiry_(io),
      workers_(workers.workers) {
  PoolObserver observer;
  observer.worker_event = [this](const WorkerEventInfo& info) { on_worker_event(info); };
  observer.loading = [this](JobId job, ModelId model, ModelPart, bool loaded) {
    on_loading(job, model, loaded);
  };
  observer.over_budget = [this](JobId job, ModelId model, const std::string& device,
                                std::uint64_t bytes) { on_over_budget(job, model, device, bytes); };
  observer.unit_done = [this](JobId job, double seconds) {
    jobs_.charge(job, seconds);
    if (const JobOwner* host = evaluators_->host_of(job)) jobs_.charge(*host, seconds);
  };
  pool_ = std::make_unique<WorkerPool>(
      io, std::move(workers), [this](ModelId model) { return models_.files(model); },
      std::move(observer));
  evaluators_ = std::make_unique<EvaluatorService>(evaluator_host());
  expire_later();
}

EvaluatorHost JobService::evaluator_host() {
  return {*pool_,
          executor_.evaluators(),
          limits_.queued_bytes,
          [this](job::Job job, std::shared_ptr<const TensorFile> tensors,
                 std::vector<WarningEvent>& warnings) {
            return open_inputs(std::move(job), std::move(tensors), warnings);
          },
          [this](std::span<const PromptUse> prompts, const Embeddings& given) {
            return find_embeddings(prompts, given, folders_);
          },
          [this](const AcceptedJob& job) { return limits_of(job); },
          [this](const AcceptedJob& job) { return types(job); },
          [this](const AcceptedJob& job) { forget_outdated(job); },
          [this](const JobOwner& host) { jobs_.begin_request(host); },
          [this](const JobOwner& host) { jobs_.end_request(host); }};
}

JobService::~JobService() = default;

std::shared_ptr<JobRecord> JobService::submit(SubmitRequest request, ipc::Fd tensors,
                                              const JobOwner& owner,
                                              const std::shared_ptr<EventSink>& watcher) {
  if (shutting_down_) throw Error(ErrorCode::kNoWorker, "The service is shutting down.");
  std::vector<WarningEvent> warnings;
  AcceptedJob accepted = accept(std::move(request.job), std::move(tensors), owner, warnings);
  auto record =
      std::make_shared<JobRecord>(jobs_.new_id(), std::move(accepted), owner, request.priority);
  jobs_.add(record);
  record->subscribe(watcher);
  if (request.previews) record->show_previews_to(watcher);
  PhaseEvent queued;
  queued.position = static_cast<int>(jobs_.position(*record));
  // After the reply, which tells the host the job's id.
  boost::asio::post(io_, [this, record, queued, warnings = std::move(warnings)]() mutable {
    record->add_event(queued);
    for (WarningEvent& warning : warnings)
      record->add_event(std::move(warning));
    start_next();
  });
  ipc::log(ipc::LogLevel::kInfo, "jobs", "job=" + record->id() + " queued");
  return record;
}

void JobService::start_next() {
  if (running_ || shutting_down_) return;
  const auto record = jobs_.next_queued();
  if (!record) return;
  running_ = record;
  const AcceptedJob& accepted = record->accepted();
  JobLimits limits = limits_of(accepted);
  record->set_worker_count(std::max<std::size_t>(1, pool_->usable_workers(limits)));
  auto units = pool_->open_job(accepted.id, limits, accepted.memory_files);
  // The one before has handed in its result, so its thread is at its end.
  thread_ = std::jthread([this, record, units] { run(record, units); });
}

JobLimits JobService::limits_of(const AcceptedJob& accepted) const {
  JobLimits limits{accepted.devices, {}, {}, models_of(accepted)};
  if (accepted.fp32) limits.fp32 = {accepted.model, *accepted.fp32};
  if (accepted.job.workers.max) limits.max_workers = *accepted.job.workers.max;
  for (const auto& [name, speed] : accepted.job.workers.relative_speed) {
    for (const std::size_t slot : pool_->slots_named(name))
      limits.speeds[slot] = speed;
  }
  return limits;
}

void JobService::run(const std::shared_ptr<JobRecord>& record,
                     const std::shared_ptr<UnitExecutor>& units) {
  auto result = std::make_shared<JobResult>();
  std::optional<Failure> failure;
  Progress progress(pool_->hand_off(), record);
  try {
    *result = executor_.execute(record->accepted(), *units, progress);
  } catch (const Error& error) {
    failure = error.failure();
  } catch (const std::exception& error) {
    failure = Failure{ErrorCode::kInternal, error.what()};
  }
  ipc::return_freed_memory();
  pool_->hand_off()->post([this, record, failure = std::move(failure), result] {
    finish(record, failure, std::move(*result));
  });
}

void JobService::finish(const std::shared_ptr<JobRecord>& record, std::optional<Failure> failure,
                        JobResult result) {
  pool_->close_job(record->accepted().id);
  forget_outdated(record->accepted());
  Phase state = Phase::kDone;
  if (failure) state = failure->code == ErrorCode::kCancelled ? Phase::kCancelled : Phase::kFailed;
  ipc::log(ipc::LogLevel::kInfo, "jobs",
           "job=" + record->id() + " " + std::string(name(state)) +
               (failure ? ": " + failure->message : std::string()));
  record->end(state, std::move(failure), std::move(result));
  record->release_inputs();
  running_.reset();
  expire();
  if (shutting_down_) {
    pool_->shut_down(std::exchange(on_shut_down_, {}));
  } else {
    start_next();
  }
}

void JobService::forget_outdated(const AcceptedJob& job) {
  for (const ModelId model : models_of(job)) {
    if (models_.is_outdated(model)) pool_->models().unload({model});
  }
}

void JobService::cancel(const std::string& id) {
  const auto record = jobs_.at(id);
  if (record == running_) {
    pool_->cancel_job(record->accepted().id);
  } else if (!record->has_ended()) {
    end_queued(*record);
  }
}

void JobService::end_queued(JobRecord& record) {
  record.end(Phase::kCancelled, Failure{ErrorCode::kCancelled, "The job was cancelled."}, {});
  record.release_inputs();
}

boost::json::object JobService::catalog() const {
  boost::json::object catalog = executor_.catalog();
  catalog["device_types"] = {"cpu", "gpu", "sim"};
  return catalog;
}

void JobService::devices(std::function<void(const boost::json::object&)> done) {
  accelerators_.ask([this, done = std::move(done)](const AcceleratorAnswer& accelerators) {
    boost::json::object report = device_report(
        pool_->workers(), pool_->models(), [this](ModelId model) { return models_.name(model); });
    report["accelerators"] = accelerator_report(accelerators);
    done(report);
  });
}

boost::json::object JobService::worker(const WorkerRequest& request) {
  return control_workers(*pool_, request, [this](ModelId model) { return models_.name(model); });
}

void JobService::shut_down(std::function<void()> done) {
  if (std::exchange(shutting_down_, true)) return;
  expiry_.cancel();
  evaluators_->close_all([this, done = std::move(done)] { shut_down_jobs(done); });
}

void JobService::shut_down_jobs(std::function<void()> done) {
  for (const auto& record : jobs_.all()) {
    if (record != running_ && !record->has_ended()) end_queued(*record);
  }
  if (!running_) return pool_->shut_down(std::move(done));
  on_shut_down_ = std::move(done);
  pool_->cancel_job(running_->accepted().id);
}

void JobService::on_worker_event(const WorkerEventInfo& info) {
  if (!running_) return;
  if (info.what == WorkerNotice::What::kQuarantined) {
    running_->add_event(
        WarningEvent{"worker_quarantined",
                     info.worker + " keeps ending and is not started again. " + info.words});
    return;
  }
  if (info.what == WorkerNotice::What::kFp32) {
    running_->add_event(
        WarningEvent{"computed_in_fp32",
                     "A result of " + info.worker +
                         " was not finite (NaN or infinity); it is computed again in fp32."});
    return;
  }
  WorkerEvent event;
  event.worker = info.worker;
  event.what = change_of(info.what);
  if (info.what == WorkerNotice::What::kLost) {
    event.exit = info.exit;
    event.signal = info.signal;
    event.last_words = info.words;
  }
  if (info.what == WorkerNotice::What::kRerun) event.unit = info.unit.value;
  running_->add_event(std::move(event));
}

// A job's own phase is told again once its model is there.
void JobService::on_loading(JobId job, ModelId model, bool loaded) {
  if (!running_ || running_->has_ended()) return;
  const AcceptedJob& accepted = running_->accepted();
  const bool is_upscale = accepted.upscale && accepted.upscale->model == model;
  if (accepted.id != job || (accepted.model != model && !is_upscale)) return;
  if (running_->state() != Phase::kLoading) phase_around_loading_ = running_->state();
  PhaseEvent event;
  event.phase = Phase::kLoading;
  event.file = models_.name(model);
  event.of = is_upscale ? accepted.upscale->info.bytes : accepted.info.bytes;
  event.bytes = loaded ? event.of : 0;
  running_->add_event(std::move(event));
  if (!loaded) return;
  PhaseEvent back;
  back.phase = phase_around_loading_;
  running_->add_event(std::move(back));
}

void JobService::on_over_budget(JobId job, ModelId model, const std::string& device,
                                std::uint64_t bytes) {
  if (!running_ || running_->accepted().id != job) return;
  running_->add_event(WarningEvent{
      "over_budget", models_.name(model) + " needs " + std::to_string(bytes) + " bytes on " +
                         device +
                         ", which passes the device's budget; it is loaded all the same."});
}

std::string JobService::begin_session(const std::optional<std::string>& asked, std::uint32_t user) {
  return sessions_.begin(asked, user, std::chrono::steady_clock::now());
}

void JobService::end_session(const std::string& session) {
  sessions_.end(session, std::chrono::steady_clock::now());
}

void JobService::expire() {
  const auto now = std::chrono::steady_clock::now();
  jobs_.expire(now);
  std::set<std::string> with_jobs;
  for (const auto& job : jobs_.all())
    with_jobs.insert(job->owner().session);
  sessions_.expire(now, [&](const std::string& id) { return with_jobs.contains(id); });
}

void JobService::expire_later() {
  expiry_.expires_after(kExpiryCheck);
  expiry_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    expire();
    expire_later();
  });
}

}  // namespace tandem::coordinator
