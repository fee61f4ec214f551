// Which worker runs which unit, and what follows when one dies: a state machine. Events go in with
// the time they happened at, commands come out; it knows no clock, no socket and no process, so
// that a test can drive it through any order of events.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/dispatch/part_devices.hpp"
#include "coordinator/dispatch/placement.hpp"
#include "coordinator/dispatch/respawn_policy.hpp"
#include "coordinator/dispatch/speed_model.hpp"
#include "protocol/error.hpp"
#include "protocol/ids.hpp"
#include "protocol/model_spec.hpp"

namespace tandem::coordinator {

using TimePoint = std::chrono::steady_clock::time_point;

// A worker as the command line names it ("cpu#0"); the processes that fill it come and go.
struct WorkerSlot {
  std::string name;
  std::string kind;    // "cpu", "gpu", "sim"
  std::string device;  // where its weights lie: "cpu", "gpu:0"; workers may share one
  std::string group;   // workers of one group slow each other down; empty: it slows nobody

  bool is_on(const std::string& asked) const {
    return asked.empty() || asked == kind || asked == device;
  }
};

// What placing a unit needs to know of it.
struct UnitTicket {
  UnitId unit;
  JobId job;
  ModelId model;
  ModelPart part = ModelPart::kUnet;
  std::string shape;  // units of one shape take one worker equally long
};

// A model, and the same files computed in float32.
struct Fp32Twin {
  ModelId of;
  ModelId twin;
};

// Which workers a job may use, and what its host knows of them.
struct JobLimits {
  PartDevices devices;
  std::optional<std::size_t> max_workers;  // on each device: the first ones that take a unit of it
  std::map<std::size_t, double> speeds;    // relative ones by slot, given; others are learned
  std::vector<ModelId> models;             // what the job computes with
  // A unit whose result is not finite goes on with the twin, once.
  std::optional<Fp32Twin> fp32 = {};
};

enum class SlotState { kStarting, kIdle, kLoading, kBusy, kWaiting, kQuarantined, kDisabled };

// What is asked of a slot.
enum class Duty {
  kOn,
  kDrained,  // ends what it does and begins nothing; what only it could do waits
  kOff,      // has no process; what only it could do fails
};

// For `tandem devices`.
struct SlotView {
  SlotState state = SlotState::kWaiting;
  WorkerId worker;
  std::string reason;  // why it waits or is quarantined
  Duty duty = Duty::kOn;
};

// ---- commands ----

struct SpawnWorker {
  std::size_t slot = 0;
  WorkerId worker;
};

struct KillWorker {
  WorkerId worker;
  std::string reason;
};

struct LoadPart {
  WorkerId worker;
  JobId job;
  ModelId model;
  ModelPart part = ModelPart::kUnet;
};

struct StartUnit {
  WorkerId worker;
  UnitId unit;
  Generation generation;
  ModelId model;  // the unit's own, or its twin
};

// All units of the job are forgotten by the dispatcher; its thread is to be told.
struct FailJob {
  JobId job;
  Failure failure;
};

struct WorkerNotice {
  enum class What { kStarted, kLost, kReplaced, kRerun, kQuarantined, kFp32 } what = What::kStarted;
  std::size_t slot = 0;
  UnitId unit;         // with kRerun and kFp32
  std::string detail;  // with kLost and kQuarantined: exit and last words
};

using Command = std::variant<SpawnWorker, KillWorker, LoadPart, StartUnit, FailJob, WorkerNotice>;

class Dispatcher {
 public:
  // Every slot is asked to be filled by the first take_commands().
  Dispatcher(std::vector<WorkerSlot> slots, RespawnPolicy policy, TimePoint now);

  // One more slot while running; returns its index.
  std::size_t add_slot(WorkerSlot slot, TimePoint now);

  // Off: its process is ended, its unit runs again elsewhere. On: after a quarantine, too.
  void set_duty(std::size_t slot, Duty duty, TimePoint now);

  // A job's units may be submitted between these two. close_job forgets all of its units; one that
  // a worker is computing ends there, and its result is refused by unit_done.
  void open_job(JobId job, JobLimits limits);
  void close_job(JobId job, TimePoint now);
  // Forgets the job's units as close_job does; the job stays open for others.
  void drop_units(JobId job, TimePoint now);

  // In canonical order. A unit goes to the worker on which it is expected to end first, even if
  // that one is busy and a slower one is not.
  void submit(const std::vector<UnitTicket>& units, TimePoint now);

  void worker_ready(WorkerId worker, TimePoint now);
  // The process has ended: seen by its pidfd, so it can't write to its memory any more. Where its
  // device is not there at all, it is not started again.
  void worker_exited(WorkerId worker, const std::string& last_words, TimePoint now,
                     bool has_device = true);
  void model_loaded(WorkerId worker, ModelId model, ModelPart part, TimePoint now);
  void model_failed(WorkerId worker, const Failure& failure, TimePoint now);
  // False: late, or of a unit that nobody waits for; the result must be dropped.
  bool unit_done(WorkerId worker, UnitId unit, Generation generation, TimePoint now);
  void unit_failed(WorkerId worker, UnitId unit, Generation generation, const Failure& failure,
                   TimePoint now);
  // A worker was told to let go of a part.
  void part_dropped(std::size_t slot, ModelId model, ModelPart part);

  // Whether a unit that waits or runs needs the part; whether an open job computes with the model.
  bool is_needed(ModelId model, ModelPart part) const;
  bool is_in_job(ModelId model) const;

  // Work that is due by the clock alone: spawning after back-off, start-up deadlines, units that
  // wait for a worker which takes longer than expected.
  void tick(TimePoint now);
  std::optional<TimePoint> next_deadline() const;

  // After a death nothing is started for so long: what ended one worker may have ended others whose
  // ends are not seen yet, and a unit given to such a one would be blamed for a second death.
  static constexpr std::chrono::milliseconds kSettle{50};

  std::vector<Command> take_commands() { return std::exchange(commands_, {}); }

  std::size_t slot_count() const { return slots_.size(); }
  const WorkerSlot& slot(std::size_t index) const { return slots_.at(index).spec; }
  SlotView view(std::size_t index) const;
  // Slots that a job of these limits can count on for its diffusion model: on duty and not
  // quarantined, at most max_workers.
  std::size_t usable_workers(const JobLimits& limits) const;

 private:
  // A part that a slot has been told to load.
  struct Loading {
    JobId job;
    ModelId model;
    ModelPart part = ModelPart::kUnet;
  };

  struct Slot {
    WorkerSlot spec;
    SlotState state = SlotState::kWaiting;
    Duty duty = Duty::kOn;
    WorkerId worker;
    std::optional<Loading> loading;
    UnitId unit;  // while busy
    Generation generation;
    std::string shape;      // of the unit
    TimePoint started;      // the unit
    double expected = 0.0;  // seconds that the unit should take
    int crowd = 1;          // most workers of the group that were busy while it ran
    bool probes = false;    // the unit runs alone, to learn how fast that is
    std::set<std::pair<ModelId, ModelPart>> loaded;
    RespawnHistory history;
    bool replaces_a_lost_one = false;
    std::optional<TimePoint> ready_since;
    TimePoint deadline;  // of the start-up, or of the wait before the next spawn
    std::string reason;
  };

  struct UnitRecord {
    UnitTicket ticket;
    Generation generation{1};
    int failures = 0;
    std::vector<std::string> deaths;   // last words of the workers that it ended
    std::optional<std::size_t> avoid;  // the slot where it failed last
  };

  struct JobRecord {
    JobLimits limits;
    std::set<std::size_t> slots;      // those it has used, with max_workers
    std::vector<std::string> deaths;  // of workers that were loading a part for it
  };

  // Waiting units of one job that need the same part, in their order.
  struct ReadyGroup {
    JobId job;
    ModelId model;
    ModelPart part = ModelPart::kUnet;
    std::vector<UnitId> units;
  };

  Slot* find_slot(WorkerId worker);
  std::size_t index_of(const Slot& slot) const;
  static bool is_in_service(const Slot& slot);
  std::size_t count_in_service(const std::string& device) const;
  void died_loading(const Loading& loading, const std::string& words, const std::string& slot_name);
  void run_again(UnitRecord& unit);
  // False where the job has no twin of the unit's model, or the unit runs with it already.
  bool go_on_in_fp32(UnitRecord& unit);
  void worker_died_with(UnitRecord& unit, const std::string& words, const std::string& slot_name);
  void fail_job(JobId job, Failure failure);
  void schedule_respawn(Slot& slot, const std::string& words, TimePoint now, bool has_device);
  void spawn(Slot& slot, TimePoint now);
  void free_slot(Slot& slot);

  // ---- dispatcher_place.cpp ----

  void place(TimePoint now);
  void fail_hopeless_jobs();
  Failure no_worker(const std::string& device) const;
  std::vector<ReadyGroup> ready_groups() const;

  const std::string& device_of(const ReadyGroup& group) const;
  bool may_use(const ReadyGroup& group, std::size_t slot) const;
  // Slots of the part's device that the job may still take besides those that it has used.
  std::size_t room_for_slots(const ReadyGroup& group) const;
  void load_where_idle(const ReadyGroup& group);
  // Also of a unit that needs none.
  static bool has_part(const Slot& slot, const ReadyGroup& group);
  static bool is_loading(const Slot& slot, const ReadyGroup& group);
  void load(Slot& slot, const ReadyGroup& group);

  std::vector<std::size_t> slots_with(const ReadyGroup& group) const;
  void place_elsewhere(const ReadyGroup& group, UnitId unit, TimePoint now);
  void place_on(const std::vector<std::size_t>& slots, const std::vector<UnitId>& units,
                TimePoint now);
  void start_unless_probed(const std::vector<std::size_t>& slots, Slot& slot, UnitRecord& unit,
                           TimePoint now);
  bool wants_probe(const std::vector<std::size_t>& slots, const std::string& group,
                   const std::string& shape) const;
  int busy_in(const std::string& group) const;
  void start(Slot& slot, UnitRecord& unit, TimePoint now);

  double available_in(const Slot& slot, TimePoint now) const;
  void look_again_when_due(const Slot& slot, TimePoint now);
  double estimate(std::size_t slot, const UnitTicket& ticket, int crowd) const;
  UnitCost costs(const std::vector<std::size_t>& slots, const std::vector<UnitId>& units) const;

  std::vector<Slot> slots_;
  RespawnPolicy policy_;
  std::map<JobId, JobRecord> jobs_;
  std::unordered_map<UnitId, UnitRecord> units_;
  std::deque<UnitId> ready_;
  SpeedModel speeds_;
  std::optional<TimePoint> place_again_at_;
  TimePoint settle_until_;
  std::uint64_t next_worker_ = 1;
  std::vector<Command> commands_;
};

}  // namespace tandem::coordinator
