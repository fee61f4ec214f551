#include "coordinator/dispatch/dispatcher.hpp"

#include <random>

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

constexpr JobId kJob{1};
constexpr ModelId kModel{7};

class DispatcherTest : public ::testing::Test {
 protected:
  explicit DispatcherTest() : dispatcher_(two_workers(), RespawnPolicy{}, now_) { pump(); }

  static std::vector<WorkerSlot> two_workers() {
    return {{"cpu#0", "cpu", "cpu", "cpu"}, {"cpu#1", "cpu", "cpu", "cpu"}};
  }

  // Keeps the commands of the last event, and knows who fills which slot.
  void pump() {
    commands_ = dispatcher_.take_commands();
    for (const Command& command : commands_) {
      if (const auto* spawn = std::get_if<SpawnWorker>(&command))
        workers_[spawn->slot] = spawn->worker;
    }
  }

  template <class T>
  std::vector<T> commands() const {
    std::vector<T> found;
    for (const Command& command : commands_) {
      if (const auto* c = std::get_if<T>(&command)) found.push_back(*c);
    }
    return found;
  }

  std::vector<std::string> notices(WorkerNotice::What what) const {
    std::vector<std::string> slots;
    for (const WorkerNotice& notice : commands<WorkerNotice>()) {
      if (notice.what == what) slots.push_back(dispatcher_.slot(notice.slot).name);
    }
    return slots;
  }

  void all_ready() {
    for (const auto& [slot, worker] : workers_)
      dispatcher_.worker_ready(worker, now_);
    pump();
  }

  void open(std::optional<std::size_t> max_workers = {}) {
    dispatcher_.open_job(kJob, {PartDevices::all_on("cpu"), max_workers, {}, {}});
  }

  void submit(std::vector<std::uint64_t> units) {
    std::vector<UnitTicket> tickets;
    for (const std::uint64_t unit : units) {
      tickets.push_back({UnitId{unit}, kJob, kModel, ModelPart::kUnet, "shape"});
    }
    dispatcher_.submit(tickets, now_);
    pump();
  }

  void loaded(std::size_t slot) {
    dispatcher_.model_loaded(workers_[slot], kModel, ModelPart::kUnet, now_);
    pump();
  }

  bool done(std::size_t slot, std::uint64_t unit, std::uint64_t generation = 1) {
    const bool accepted =
        dispatcher_.unit_done(workers_[slot], UnitId{unit}, Generation{generation}, now_);
    pump();
    return accepted;
  }

  void dies(std::size_t slot, const std::string& words = "signal 9") {
    dispatcher_.worker_exited(workers_[slot], words, now_);
    now_ += Dispatcher::kSettle;
    dispatcher_.tick(now_);
    pump();
  }

  // Both workers have the model and are idle.
  void warm_up() {
    all_ready();
    open();
    submit({100, 101});
    loaded(0);
    loaded(1);
    ASSERT_TRUE(done(0, 100));
    ASSERT_TRUE(done(1, 101));
  }

  TimePoint now_{std::chrono::seconds(1000)};
  Dispatcher dispatcher_;
  std::vector<Command> commands_;
  std::map<std::size_t, WorkerId> workers_;
};

TEST_F(DispatcherTest, SpawnsEverySlotAtStart) {
  EXPECT_EQ(workers_.size(), 2U);
  EXPECT_EQ(dispatcher_.view(0).state, SlotState::kStarting);
}

TEST_F(DispatcherTest, LoadsTheModelBeforeTheFirstUnit) {
  all_ready();
  open();
  submit({1, 2});
  ASSERT_EQ(commands<LoadPart>().size(), 2U);
  EXPECT_TRUE(commands<StartUnit>().empty());
  loaded(0);
  ASSERT_EQ(commands<StartUnit>().size(), 1U);
  EXPECT_EQ(commands<StartUnit>()[0].unit, UnitId{1});
}

TEST_F(DispatcherTest, AUnitWithoutAModelStartsAtOnce) {
  all_ready();
  open();
  dispatcher_.submit({{UnitId{1}, kJob, kNoModel, ModelPart::kUnet, "shape"}}, now_);
  pump();
  EXPECT_TRUE(commands<LoadPart>().empty());
  ASSERT_EQ(commands<StartUnit>().size(), 1U);
  EXPECT_TRUE(done(0, 1));
}

TEST_F(DispatcherTest, StartsUnitsInTheOrderOfSubmission) {
  warm_up();
  submit({1, 2, 3});
  const auto started = commands<StartUnit>();
  ASSERT_EQ(started.size(), 2U);
  EXPECT_EQ(started[0].unit, UnitId{1});
  EXPECT_EQ(started[1].unit, UnitId{2});
  EXPECT_TRUE(done(1, 2));
  ASSERT_EQ(commands<StartUnit>().size(), 1U);
  EXPECT_EQ(commands<StartUnit>()[0].unit, UnitId{3});
}

TEST_F(DispatcherTest, PrefersAWorkerThatHasTheModel) {
  all_ready();
  open();
  submit({1});
  loaded(0);
  EXPECT_TRUE(done(0, 1));
  submit({2});
  ASSERT_EQ(commands<StartUnit>().size(), 1U);
  EXPECT_EQ(commands<StartUnit>()[0].worker, workers_[0]);
}

TEST_F(DispatcherTest, AUnitOfADeadWorkerRunsAgainElsewhere) {
  warm_up();
  submit({1, 2});
  dies(0);
  EXPECT_EQ(notices(WorkerNotice::What::kLost), std::vector<std::string>{"cpu#0"});
  EXPECT_EQ(notices(WorkerNotice::What::kRerun), std::vector<std::string>{"cpu#0"});
  ASSERT_EQ(commands<SpawnWorker>().size(), 1U);
  EXPECT_TRUE(done(1, 2));
  ASSERT_EQ(commands<StartUnit>().size(), 1U);
  EXPECT_EQ(commands<StartUnit>()[0].unit, UnitId{1});
  EXPECT_EQ(commands<StartUnit>()[0].generation, Generation{2});
  EXPECT_TRUE(done(1, 1, 2));
}

TEST_F(DispatcherTest, AReplacementIsToldAndGetsTheModelAgain) {
  warm_up();
  dies(0);
  dispatcher_.worker_ready(workers_[0], now_);
  pump();
  EXPECT_EQ(notices(WorkerNotice::What::kReplaced), std::vector<std::string>{"cpu#0"});
  submit({1, 2});
  ASSERT_EQ(commands<LoadPart>().size(), 1U);
  EXPECT_EQ(commands<LoadPart>()[0].worker, workers_[0]);
}

TEST_F(DispatcherTest, ALateResultIsRefused) {
  warm_up();
  submit({1, 2});
  const WorkerId dead = workers_[0];
  dies(0);
  EXPECT_FALSE(dispatcher_.unit_done(dead, UnitId{1}, Generation{1}, now_));
  EXPECT_TRUE(done(1, 2));
  EXPECT_FALSE(done(1, 1, 1)) << "the generation before";
  EXPECT_TRUE(done(1, 1, 2));
  EXPECT_FALSE(done(1, 1, 2)) << "a second time";
}

TEST_F(DispatcherTest, AUnitThatEndsTwoWorkersFailsItsJobWithTheirLastWords) {
  warm_up();
  submit({1});
  dies(0, "signal 11 (first words)");
  ASSERT_EQ(commands<StartUnit>().size(), 1U);
  EXPECT_EQ(commands<StartUnit>()[0].worker, workers_[1]);
  dies(1, "signal 6 (second words)");
  ASSERT_EQ(commands<FailJob>().size(), 1U);
  const Failure failure = commands<FailJob>()[0].failure;
  EXPECT_EQ(failure.code, ErrorCode::kWorkerLost);
  EXPECT_NE(failure.message.find("first words"), std::string::npos);
  EXPECT_NE(failure.message.find("second words"), std::string::npos);
}

TEST_F(DispatcherTest, TwoDeathsWhileLoadingFailTheJob) {
  all_ready();
  open();
  submit({1});
  dies(0);
  ASSERT_EQ(commands<LoadPart>().size(), 1U);
  EXPECT_EQ(commands<LoadPart>()[0].worker, workers_[1]);
  dies(1);
  EXPECT_EQ(commands<FailJob>().size(), 1U);
}

TEST_F(DispatcherTest, AFailureOfTheRequestIsNotTriedAgain) {
  warm_up();
  submit({1});
  dispatcher_.unit_failed(workers_[0], UnitId{1}, Generation{1}, {ErrorCode::kBadShape, "no"},
                          now_);
  pump();
  ASSERT_EQ(commands<FailJob>().size(), 1U);
  EXPECT_EQ(commands<FailJob>()[0].failure.code, ErrorCode::kBadShape);
}

TEST_F(DispatcherTest, AnotherFailureIsTriedOnceMoreElsewhere) {
  warm_up();
  submit({1});
  dispatcher_.unit_failed(workers_[0], UnitId{1}, Generation{1}, {ErrorCode::kInternal, "no"},
                          now_);
  pump();
  ASSERT_EQ(commands<StartUnit>().size(), 1U);
  EXPECT_EQ(commands<StartUnit>()[0].worker, workers_[1]);
  dispatcher_.unit_failed(workers_[1], UnitId{1}, Generation{2}, {ErrorCode::kInternal, "no"},
                          now_);
  pump();
  EXPECT_EQ(commands<FailJob>().size(), 1U);
}

TEST_F(DispatcherTest, AClosedJobLeavesItsWorkersUsable) {
  warm_up();
  submit({1, 2, 3});
  dispatcher_.close_job(kJob, now_);
  pump();
  EXPECT_FALSE(done(0, 1)) << "nobody waits for it";
  EXPECT_TRUE(commands<StartUnit>().empty()) << "unit 3 is forgotten";
  EXPECT_EQ(dispatcher_.view(0).state, SlotState::kIdle);
}

TEST_F(DispatcherTest, MaxLimitsTheWorkersOfAJob) {
  all_ready();
  open(1);
  submit({1, 2});
  EXPECT_EQ(commands<LoadPart>().size(), 1U);
  EXPECT_EQ(dispatcher_.usable_workers({PartDevices::all_on("cpu"), 1, {}, {}}), 1U);
  EXPECT_EQ(dispatcher_.usable_workers({PartDevices::all_on("cpu"), {}, {}, {}}), 2U);
  EXPECT_EQ(dispatcher_.usable_workers({PartDevices::all_on("gpu"), {}, {}, {}}), 0U);
}

TEST_F(DispatcherTest, AWorkerThatKeepsDyingIsQuarantined) {
  all_ready();
  for (int death = 0; death < 6; ++death) {
    dies(0, "signal 4");
    now_ += std::chrono::seconds(31);
    dispatcher_.tick(now_);
    pump();
  }
  EXPECT_EQ(dispatcher_.view(0).state, SlotState::kQuarantined);
  EXPECT_EQ(dispatcher_.view(0).reason, "signal 4");
  EXPECT_EQ(dispatcher_.usable_workers({PartDevices::all_on("cpu"), {}, {}, {}}), 1U);
}

TEST_F(DispatcherTest, AJobWithoutAnyWorkerLeftFails) {
  all_ready();
  open();
  for (const std::size_t slot : {0U, 1U}) {
    for (int death = 0; death < 6; ++death) {
      dies(slot);
      now_ += std::chrono::seconds(31);
      dispatcher_.tick(now_);
      pump();
    }
  }
  submit({1});
  ASSERT_EQ(commands<FailJob>().size(), 1U);
  EXPECT_EQ(commands<FailJob>()[0].failure.code, ErrorCode::kNoWorker);
}

TEST_F(DispatcherTest, AWorkerThatDoesNotComeUpIsKilled) {
  now_ += std::chrono::seconds(61);
  dispatcher_.tick(now_);
  pump();
  EXPECT_EQ(commands<KillWorker>().size(), 2U);
}

TEST(DispatcherPlaces, APartRunsOnItsOwnDevice) {
  const TimePoint now{std::chrono::seconds(1)};
  Dispatcher dispatcher(
      {{"gpu:0", "gpu", "gpu:0", ""}, {"gpu:1", "gpu", "gpu:1", ""}, {"cpu#0", "cpu", "cpu", ""}},
      RespawnPolicy{}, now);
  for (const Command& command : dispatcher.take_commands())
    dispatcher.worker_ready(std::get<SpawnWorker>(command).worker, now);
  dispatcher.take_commands();
  // At most one worker on each device: that of the texts does not count for the pictures.
  const JobLimits limits{{"gpu", "cpu", "gpu:1"}, 1, {}, {}};
  dispatcher.open_job(kJob, limits);
  EXPECT_EQ(dispatcher.usable_workers(limits), 1U);
  EXPECT_EQ(dispatcher.usable_workers({limits.devices, {}, {}, {}}), 2U);
  const auto slot_of = [&](std::uint64_t unit, ModelPart part) -> std::string {
    dispatcher.submit({{UnitId{unit}, kJob, kModel, part, "shape"}}, now);
    for (const Command& command : dispatcher.take_commands()) {
      const auto* load = std::get_if<LoadPart>(&command);
      for (std::size_t i = 0; load != nullptr && i < dispatcher.slot_count(); ++i) {
        if (dispatcher.view(i).worker == load->worker) return dispatcher.slot(i).name;
      }
    }
    return "";
  };
  EXPECT_EQ(slot_of(1, ModelPart::kText), "cpu#0");
  EXPECT_EQ(slot_of(2, ModelPart::kVae), "gpu:1");
  EXPECT_EQ(slot_of(3, ModelPart::kUnet), "");  // gpu:1 is the job's one GPU, and busy
}

TEST(DispatcherPlaces, APartOnAnotherDeviceIsNotThePartsOwn) {
  const TimePoint now{std::chrono::seconds(1)};
  Dispatcher dispatcher({{"gpu:0", "gpu", "gpu:0", ""}, {"cpu#0", "cpu", "cpu", ""}},
                        RespawnPolicy{}, now);
  for (const Command& command : dispatcher.take_commands())
    dispatcher.worker_ready(std::get<SpawnWorker>(command).worker, now);
  dispatcher.model_loaded(dispatcher.view(0).worker, kModel, ModelPart::kText, now);
  dispatcher.take_commands();
  dispatcher.open_job(kJob, {{"gpu", "cpu", "gpu"}, {}, {}, {}});
  dispatcher.submit({{UnitId{1}, kJob, kModel, ModelPart::kText, "shape"}}, now);
  const auto commands = dispatcher.take_commands();
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(std::get<LoadPart>(commands[0]).worker, dispatcher.view(1).worker);
}

// Random deaths, failures to load and results in any order: every unit is delivered exactly once or
// its job is failed, and no slot is ever given two units.
TEST(DispatcherProperty, EveryUnitEndsOnceUnderRandomDeaths) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    TimePoint now{std::chrono::seconds(1)};
    Dispatcher dispatcher(
        {{"a", "sim", "sim", ""}, {"b", "sim", "sim", "x"}, {"c", "sim", "sim", "x"}},
        RespawnPolicy{}, now);
    dispatcher.open_job(kJob, {});
    std::map<WorkerId, std::optional<StartUnit>> busy;
    std::map<WorkerId, LoadPart> loading;
    std::set<WorkerId> starting;
    std::set<UnitId> delivered;
    bool failed = false;
    std::vector<UnitTicket> tickets;
    for (std::uint64_t u = 1; u <= 20; ++u)
      tickets.push_back({UnitId{u}, kJob, kModel, {}, "shape"});
    dispatcher.submit(tickets, now);
    for (int step = 0; step < 2000 && !failed && delivered.size() < tickets.size(); ++step) {
      for (const Command& command : dispatcher.take_commands()) {
        if (const auto* spawn = std::get_if<SpawnWorker>(&command)) starting.insert(spawn->worker);
        if (const auto* load = std::get_if<LoadPart>(&command)) loading[load->worker] = *load;
        if (const auto* start = std::get_if<StartUnit>(&command)) {
          ASSERT_FALSE(busy[start->worker].has_value());
          busy[start->worker] = *start;
        }
        if (std::holds_alternative<FailJob>(command)) failed = true;
      }
      now += std::chrono::milliseconds(random() % 400);
      dispatcher.tick(now);
      const bool death = random() % 8 == 0;
      if (!starting.empty() && random() % 3 == 0) {
        const WorkerId worker = *starting.begin();
        starting.erase(worker);
        busy[worker] = std::nullopt;
        dispatcher.worker_ready(worker, now);
      } else if (!busy.empty()) {
        auto it = std::next(busy.begin(), static_cast<std::ptrdiff_t>(random() % busy.size()));
        const WorkerId worker = it->first;
        if (death) {
          busy.erase(it);
          loading.erase(worker);
          dispatcher.worker_exited(worker, "signal 9", now);
        } else if (const auto load = loading.find(worker); load != loading.end()) {
          const LoadPart part = load->second;
          loading.erase(load);
          dispatcher.model_loaded(worker, part.model, part.part, now);
        } else if (it->second) {
          const StartUnit unit = *it->second;
          it->second.reset();
          if (dispatcher.unit_done(worker, unit.unit, unit.generation, now)) {
            ASSERT_TRUE(delivered.insert(unit.unit).second);
          }
        }
      }
    }
    EXPECT_TRUE(failed || delivered.size() == tickets.size()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace tandem::coordinator
