// The workers of a service: carries out what the dispatcher decides, and gives job threads a way to
// have units computed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "coordinator/dispatch/dispatcher.hpp"
#include "coordinator/dispatch/unit_executor.hpp"
#include "coordinator/workers/job_units.hpp"
#include "coordinator/workers/model_loads.hpp"
#include "coordinator/workers/worker_process.hpp"
#include "ipc/busy_wait.hpp"
#include "ipc/hand_off.hpp"

namespace tandem::coordinator {

struct PoolOptions {
  std::filesystem::path worker_program;
  std::vector<WorkerSpec> workers;
  int threads = 1;                        // per CPU worker
  std::uint64_t hook_cache_bytes = 0;     // parse_hook_cache
  std::vector<std::string> plugins = {};  // files
  BudgetList budgets;
  bool cuda_graphs = true;  // of GPU workers
  BusyWaits busy_waits;     // for a while, before one sleeps
  // Where tensors are to travel to GPU workers through GPU memory: what finds CUDA.
  GpuSlabs::Calls cuda = {};
  RespawnPolicy respawn;
};

// What became of a worker, for the events of jobs and for the log.
struct WorkerEventInfo {
  WorkerNotice::What what = WorkerNotice::What::kStarted;
  std::string worker;
  std::string words;  // with kLost: a sentence with the exit and the last lines it wrote
  std::optional<int> exit;
  std::optional<int> signal;
  UnitId unit;  // with kRerun and kFp32
};

// Told on the io thread.
struct PoolObserver {
  std::function<void(const WorkerEventInfo&)> worker_event;
  std::function<void(JobId, ModelId, ModelPart, bool loaded)> loading;
  // A part was loaded although it passes its device's budget.
  std::function<void(JobId, ModelId, const std::string& device, std::uint64_t bytes)> over_budget;
  // A unit of the job took a worker so long.
  std::function<void(JobId, double seconds)> unit_done;
};

// One worker for `tandem devices`.
struct WorkerView {
  std::string name;
  std::string kind;
  std::string device;  // "cpu", "gpu:0": several workers may share one
  std::string description;
  SlotState state = SlotState::kWaiting;
  std::string reason;
  Duty duty = Duty::kOn;
  int pid = 0;  // 0: no process
  int threads = 0;
  std::uint64_t units_done = 0;
  double unit_seconds = 0.0;           // of the last units, smoothed; 0: none yet
  bool has_bfloat16 = true;            // computes in it without emulation
  std::optional<Transport> transport;  // once it greeted
  std::string transport_reason;        // why it is not the one that was asked for
};

class WorkerPool {
 public:
  using FindModel = std::function<ModelFiles(ModelId)>;

  WorkerPool(boost::asio::io_context& io, PoolOptions options, FindModel find_model,
             PoolObserver observer);
  ~WorkerPool();

  // ---- on the io thread ----

  // The view of a new job, whose units may name the files. Its run() may be called from one other
  // thread until close_job.
  std::shared_ptr<JobUnits> open_job(JobId job, JobLimits limits, MemoryFiles files = {});
  // Units of a job that no thread waits for; `done` is called later.
  void start_units(JobId job, std::vector<UnitTask> tasks, UnitBatch::Done done);
  void cancel_job(JobId job);
  // Ends the run() that the job's thread is in, as cancelled; those after JobUnits::resume() are
  // not.
  void interrupt_job(JobId job);
  void close_job(JobId job);

  // A worker of the kind or device exists, or is started where it is "cpu"; else false.
  bool ensure_worker(const std::string& device);
  // One more worker like those of the device. Throws kNotFound where it has none, kQuota past
  // kMaxWorkers in all.
  void add_worker(const std::string& device);
  void set_duty(std::size_t slot, Duty duty);
  // By the worker's name ("cpu#1"), or all workers of a device ("gpu:0") or of a kind ("cpu").
  std::vector<std::size_t> slots_named(const std::string& name) const;
  std::size_t usable_workers(const JobLimits& limits) const;
  // What the workers hold of models; unloading on request.
  ModelLoads& models() { return loads_; }
  const ModelLoads& models() const { return loads_; }

  std::vector<WorkerView> workers() const;
  ipc::BusyWait& busy_wait() { return busy_wait_; }
  // Work for the io thread, from any thread.
  const std::shared_ptr<ipc::HandOff>& hand_off() const { return hand_off_; }
  // Asks every worker to end; `done` is called when the last one has.
  void shut_down(std::function<void()> done);

  // ---- from any thread ----

  const std::shared_ptr<TensorArena>& inputs() const { return inputs_; }

 private:
  struct PendingUnit;
  struct Slot;

  void submit(const std::shared_ptr<UnitBatch>& batch, std::vector<UnitTask> tasks);
  void carry_out();
  void carry_out(const SpawnWorker& command);
  void carry_out(const KillWorker& command);
  void carry_out(const LoadPart& command);
  void carry_out(const StartUnit& command);
  void carry_out(const FailJob& command);
  void carry_out(const WorkerNotice& command);
  ModelLoads::Hooks load_hooks();
  void add_slot(const WorkerSpec& spec);
  void start_slot(const WorkerSpec& spec);
  void receive(std::size_t slot, WorkerId worker, FromWorker message, std::vector<ipc::Fd> fds);
  void handle(std::size_t slot, WorkerId worker, WorkerHello message);
  void handle(std::size_t slot, WorkerId worker, ModelLoaded message);
  void handle(std::size_t slot, WorkerId worker, ModelFailed message);
  void handle(std::size_t slot, WorkerId worker, UnitDone message);
  void handle(std::size_t slot, WorkerId worker, UnitFailed message);
  void handle(std::size_t slot, WorkerId worker, const SlabAttached& message);
  bool collect(std::size_t slot, WorkerId worker, const UnitDone& message);
  void worker_exited(std::size_t slot, WorkerId worker, const WorkerEnd& end);
  void send_constants(WorkerProcess& process, JobId job, const std::vector<ConstantId>& constants);
  void send_files(WorkerProcess& process, const JobUnits& job);
  void drop_constants(const std::vector<ConstantId>& constants);
  void deliver(UnitId unit, UnitOutcome outcome);
  void arm_timer();
  std::optional<std::size_t> find_slot(WorkerId worker) const;
  WorkerProcess* find_process(WorkerId worker);

  boost::asio::io_context& io_;
  PoolOptions options_;
  FindModel find_model_;
  PoolObserver observer_;
  std::shared_ptr<TensorArena> inputs_;
  std::optional<GpuSlabs> slabs_;  // ends before the inputs
  Dispatcher dispatcher_;
  ModelLoads loads_;
  boost::asio::steady_timer timer_;
  ipc::BusyWait busy_wait_;
  std::shared_ptr<ipc::HandOff> hand_off_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::unordered_map<UnitId, PendingUnit> units_;
  std::map<JobId, std::shared_ptr<JobUnits>> jobs_;
  std::uint64_t next_unit_ = 1;
  bool carrying_out_ = false;
  bool shutting_down_ = false;
  std::function<void()> on_shut_down_;
};

}  // namespace tandem::coordinator
