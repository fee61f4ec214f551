#include "coordinator/service/job_service.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "coordinator/service/device_choice.hpp"
#include "coordinator/service/device_report.hpp"
#include "coordinator/service/job_types.hpp"
#include "coordinator/service/model_spec_of.hpp"
#include "coordinator/service/tensor_sources.hpp"
#include "ipc/log.hpp"
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
      break;
  }
  return WorkerChange::kLost;
}

std::vector<ModelId> models_of(const AcceptedJob& job) {
  std::vector<ModelId> models = {job.model};
  if (job.upscale) models.push_back(job.upscale->model);
  return models;
}

// What every worker of a kind or device can compute in.
models::DeviceTypes types_of_device(const std::string& device,
                                    const std::vector<WorkerView>& workers) {
  models::DeviceTypes types{kind_of_device(device) == "gpu", true};
  for (const WorkerView& worker : workers) {
    if (worker.kind == device || worker.device == device) types.has_bfloat16 &= worker.has_bfloat16;
  }
  return types;
}

}  // namespace

// Carries what a job's thread tells to the io thread, in order.
class JobService::Progress : public JobProgress {
 public:
  Progress(boost::asio::io_context& io, std::shared_ptr<JobRecord> record)
      : io_(io), record_(std::move(record)) {}

  void phase(Phase phase) override {
    PhaseEvent event;
    event.phase = phase;
    add(std::move(event));
  }
  void step(StepEvent event) override { add(std::move(event)); }
  void warning(const std::string& code, const std::string& message) override {
    add(WarningEvent{code, message});
  }

 private:
  void add(Event event) {
    boost::asio::post(io_, [record = record_, event = std::move(event)]() mutable {
      record->add_event(std::move(event));
    });
  }

  boost::asio::io_context& io_;
  std::shared_ptr<JobRecord> record_;
};

JobService::JobService(boost::asio::io_context& io, PoolOptions workers, JobExecutor& executor,
                       HostLimits limits)
    : io_(io),
      limits_(limits),
      executor_(executor),
      jobs_(limits),
      expiry_(io),
      workers_(workers.workers) {
  PoolObserver observer;
  observer.worker_event = [this](const WorkerEventInfo& info) { on_worker_event(info); };
  observer.loading = [this](JobId job, ModelId model, ModelPart, bool loaded) {
    on_loading(job, model, loaded);
  };
  observer.over_budget = [this](JobId job, ModelId model, const std::string& device,
                                std::uint64_t bytes) { on_over_budget(job, model, device, bytes); };
  pool_ = std::make_unique<WorkerPool>(
      io, std::move(workers), [this](ModelId model) { return models_.files(model); },
      std::move(observer));
  evaluators_ = std::make_unique<EvaluatorService>(evaluator_host());
  expire_later();
}

EvaluatorHost JobService::evaluator_host() {
  return {io_,
          *pool_,
          executor_.evaluators(),
          limits_.queued_bytes,
          [this](job::Job job, std::shared_ptr<const TensorFile> tensors,
                 std::vector<WarningEvent>& warnings) {
            return open_inputs(std::move(job), std::move(tensors), warnings);
          },
          [this](const AcceptedJob& job) { return limits_of(job); },
          [this](const AcceptedJob& job) { return types(job); },
          [this](const AcceptedJob& job) { forget_outdated(job); }};
}

JobService::~JobService() = default;

std::shared_ptr<JobRecord> JobService::submit(SubmitRequest request, ipc::Fd tensors,
                                              const std::shared_ptr<EventSink>& watcher) {
  if (shutting_down_) throw Error(ErrorCode::kNoWorker, "The service is shutting down.");
  std::vector<WarningEvent> warnings;
  AcceptedJob accepted = accept(std::move(request.job), std::move(tensors), warnings);
  if (request.previews) {
    warnings.push_back({"no_previews", "events: this version makes no previews."});
  }
  auto record = std::make_shared<JobRecord>(jobs_.new_id(), std::move(accepted), request.priority);
  jobs_.add(record);
  record->subscribe(watcher);
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

AcceptedJob JobService::accept(job::Job job, ipc::Fd tensors, std::vector<WarningEvent>& warnings) {
  std::shared_ptr<const TensorFile> given;
  if (tensors.valid()) given = std::make_shared<TensorFile>(tensors, limits_.queued_bytes);
  jobs_.check_quota(given ? given->size() : 0);
  AcceptedJob accepted = open_inputs(std::move(job), std::move(given), warnings);
  executor_.check(accepted);
  for (const std::string& device :
       {accepted.devices.unet, accepted.devices.text, accepted.devices.vae})
    pool_->ensure_worker(device);
  return accepted;
}

AcceptedJob JobService::open_inputs(job::Job job, std::shared_ptr<const TensorFile> tensors,
                                    std::vector<WarningEvent>& warnings) {
  AcceptedJob accepted;
  accepted.id = JobId{next_job_++};
  accepted.tensors = std::move(tensors);
  const KnownModel model = resolve(model_spec_of(job));
  accepted.model = model.id;
  accepted.info = model.info;
  if (!job.model.upscale.empty()) {
    const KnownModel upscale = resolve(upscale_spec_of(job));
    accepted.upscale = NamedModel{upscale.id, upscale.info};
  }
  accepted.side_files = find_side_files(job);
  accepted.devices = choose_devices(job.model, workers_, warnings);
  accepted.device_kind = kind_of_device(accepted.devices.unet);
  for (const auto& [name, speed] : job.workers.relative_speed) {
    if (!pool_->slots_named(name).empty()) continue;
    warnings.push_back({"unknown_device", "workers.relative_speed: there is no worker or device " +
                                              name + " here; its speed is not used."});
  }
  accepted.job = std::move(job);
  add_tensor_sources(accepted, accepted.tensors.get());
  return accepted;
}

KnownModel JobService::resolve(const ModelSpec& spec) {
  return models_.resolve(spec, [this](ModelId old) { pool_->models().unload({old}); });
}

boost::json::object JobService::types(const AcceptedJob& job) const {
  const std::vector<WorkerView> workers = pool_->workers();
  return job_types(job.job.model,
                   [&](ModelPart part) { return types_of_device(job.devices.of(part), workers); });
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
  Progress progress(io_, record);
  try {
    *result = executor_.execute(record->accepted(), *units, progress);
  } catch (const Error& error) {
    failure = error.failure();
  } catch (const std::exception& error) {
    failure = Failure{ErrorCode::kInternal, error.what()};
  }
  boost::asio::post(io_, [this, record, failure = std::move(failure), result] {
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
  jobs_.expire(std::chrono::steady_clock::now());
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

boost::json::object JobService::devices() const {
  return device_report(pool_->workers(), pool_->models(),
                       [this](ModelId model) { return models_.name(model); });
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

void JobService::expire_later() {
  expiry_.expires_after(kExpiryCheck);
  expiry_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    jobs_.expire(std::chrono::steady_clock::now());
    expire_later();
  });
}

}  // namespace tandem::coordinator
