// Steps on workers of given speeds, by a clock that only the test moves.
#include <algorithm>
#include <functional>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include "coordinator/dispatch/dispatcher.hpp"

namespace tandem::coordinator {
namespace {

constexpr JobId kJob{1};
constexpr ModelId kModel{7};

using Seconds = std::chrono::duration<double>;

// Workers that take `seconds(slot, crowd)` for every unit; loading takes no time.
class SimulatedWorkers {
 public:
  using UnitSeconds = std::function<double(std::size_t slot, int crowd)>;

  SimulatedWorkers(std::vector<WorkerSlot> slots, UnitSeconds seconds, JobLimits limits = {})
      : seconds_(std::move(seconds)), dispatcher_(std::move(slots), RespawnPolicy{}, now_) {
    dispatcher_.open_job(kJob, std::move(limits));
    carry_out();
  }

  // Runs a step of so many units to its end; how long it took.
  double step(std::size_t units) {
    const TimePoint began = now_;
    std::vector<UnitTicket> tickets;
    for (std::size_t i = 0; i < units; ++i)
      tickets.push_back({UnitId{++last_unit_}, kJob, kModel, ModelPart::kUnet, "shape"});
    dispatcher_.submit(tickets, now_);
    carry_out();
    std::size_t done = 0;
    while (done < units) {
      advance();
      for (auto it = busy_.begin(); it != busy_.end();) {
        if (it->second.ends > now_) {
          ++it;
          continue;
        }
        const StartUnit unit = it->second.unit;
        it = busy_.erase(it);
        done += dispatcher_.unit_done(unit.worker, unit.unit, unit.generation, now_) ? 1 : 0;
      }
      dispatcher_.tick(now_);
      carry_out();
    }
    return Seconds(now_ - began).count();
  }

  const std::map<std::size_t, int>& units_of() const { return units_of_; }

 private:
  struct Running {
    StartUnit unit;
    TimePoint ends;
  };

  // To the next thing that happens.
  void advance() {
    TimePoint next = TimePoint::max();
    for (const auto& [slot, running] : busy_)
      next = std::min(next, running.ends);
    if (const auto deadline = dispatcher_.next_deadline()) next = std::min(next, *deadline);
    ASSERT_LT(next, TimePoint::max()) << "nothing would ever happen again";
    now_ = std::max(now_, next);
  }

  void carry_out() {
    std::vector<std::size_t> started;
    for (auto commands = dispatcher_.take_commands(); !commands.empty();
         commands = dispatcher_.take_commands()) {
      for (const Command& command : commands) {
        if (const auto* spawn = std::get_if<SpawnWorker>(&command)) {
          slot_of_[spawn->worker] = spawn->slot;
          dispatcher_.worker_ready(spawn->worker, now_);
        }
        if (const auto* load = std::get_if<LoadPart>(&command)) {
          dispatcher_.model_loaded(load->worker, load->model, load->part, now_);
        }
        if (const auto* unit = std::get_if<StartUnit>(&command)) {
          started.push_back(slot_of_.at(unit->worker));
          ++units_of_[started.back()];
          busy_[started.back()] = {*unit, now_};
        }
      }
    }
    // Those that start together slow each other down alike.
    for (const std::size_t slot : started) {
      const Seconds takes(seconds_(slot, static_cast<int>(busy_.size())));
      busy_[slot].ends += std::chrono::duration_cast<TimePoint::duration>(takes);
    }
  }

  UnitSeconds seconds_;
  TimePoint now_{std::chrono::seconds(1000)};
  Dispatcher dispatcher_;
  std::map<WorkerId, std::size_t> slot_of_;
  std::map<std::size_t, Running> busy_;
  std::map<std::size_t, int> units_of_;
  std::uint64_t last_unit_ = 0;
};

std::vector<WorkerSlot> slots(std::size_t count, const std::string& group = {}) {
  std::vector<WorkerSlot> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back({"w#" + std::to_string(i), "sim", "sim", group});
  return all;
}

// The least time in which equal units can end on workers of these times.
double best_possible(std::vector<double> seconds, std::size_t units) {
  std::vector<double> free_at(seconds.size(), 0.0);
  for (std::size_t unit = 0; unit < units; ++unit) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < seconds.size(); ++i) {
      if (free_at[i] + seconds[i] < free_at[best] + seconds[best]) best = i;
    }
    free_at[best] += seconds[best];
  }
  return *std::ranges::max_element(free_at);
}

// Who hands a unit to whoever is idle lets a slow worker take the last one.
TEST(DispatcherPlace, StepsEndAsSoonAsTheyCanWithLearnedSpeeds) {
  for (const std::vector<double>& kinds :
       {std::vector<double>{0.020}, {0.020, 0.040, 0.080}, {0.001, 0.002, 0.004}}) {
    for (std::size_t workers = 1; workers <= 8; ++workers) {
      std::vector<double> seconds;
      for (std::size_t i = 0; i < workers; ++i)
        seconds.push_back(kinds[i % kinds.size()]);
      for (std::size_t units = 2; units <= 32; units += 3) {
        SCOPED_TRACE(std::to_string(workers) + " workers, " + std::to_string(units) + " units");
        SimulatedWorkers simulation(slots(workers),
                                    [&](std::size_t slot, int) { return seconds[slot]; });
        for (int warm_up = 0; warm_up < 3; ++warm_up)
          simulation.step(std::max<std::size_t>(units, workers));
        const double took = simulation.step(units);
        EXPECT_LE(took, best_possible(seconds, units) * 1.001);
        EXPECT_LE(took, seconds.front() * static_cast<double>(units) * 1.001)
            << "slower than the fastest worker alone";
      }
    }
  }
}

TEST(DispatcherPlace, GivenSpeedsAreUsedFromTheFirstStep) {
  JobLimits limits;
  limits.speeds = {{0, 1.0}, {1, 0.25}};
  SimulatedWorkers simulation(
      slots(2), [](std::size_t slot, int) { return slot == 0 ? 0.020 : 0.080; }, limits);
  EXPECT_NEAR(simulation.step(2), 0.040, 1e-6);
  EXPECT_EQ(simulation.units_of().at(0), 2);
}

TEST(DispatcherPlace, GivenSpeedsGoBeforeLearnedOnes) {
  JobLimits limits;
  limits.speeds = {{0, 1.0}, {1, 0.1}};
  SimulatedWorkers simulation(
      slots(2), [](std::size_t, int) { return 0.020; }, limits);
  for (int i = 0; i < 5; ++i)
    simulation.step(2);
  EXPECT_EQ(simulation.units_of().at(0), 10);
}

TEST(DispatcherPlace, AWorkerThatBecomesSlowGetsLess) {
  double slow = 0.020;
  SimulatedWorkers simulation(slots(2),
                              [&](std::size_t slot, int) { return slot == 1 ? slow : 0.020; });
  for (int i = 0; i < 3; ++i)
    simulation.step(8);
  slow = 0.060;
  for (int i = 0; i < 12; ++i)
    simulation.step(8);
  EXPECT_NEAR(simulation.step(8), 0.120, 1e-6);
}

// Whoever waits for a worker that hangs goes elsewhere in the end.
TEST(DispatcherPlace, AUnitDoesNotWaitForEverForAWorkerThatIsLate) {
  bool late = false;
  SimulatedWorkers simulation(slots(2), [&](std::size_t slot, int) {
    if (slot == 1) return 0.050;
    return late ? 10.0 : 0.020;
  });
  for (int i = 0; i < 4; ++i)
    simulation.step(2);
  late = true;
  simulation.step(2);
  EXPECT_GT(simulation.units_of().at(1), 1);
}

TEST(DispatcherPlace, WorkersOfOneDeviceThatSlowEachOtherAreUsedAlone) {
  SimulatedWorkers simulation(slots(2, "gpu:0"),
                              [](std::size_t, int crowd) { return crowd == 1 ? 0.00715 : 0.0152; });
  for (int i = 0; i < 60; ++i)
    simulation.step(2);
  double total = 0.0;
  for (int i = 0; i < 200; ++i)
    total += simulation.step(2);
  EXPECT_LE(total / 200, 2 * 0.00715 * 1.01) << "trying the crowd again costs less than 1 %";
}

TEST(DispatcherPlace, WorkersOfOneDeviceThatDoNotAreUsedTogether) {
  SimulatedWorkers simulation(slots(2, "cpu"), [](std::size_t, int) { return 0.010; });
  for (int i = 0; i < 60; ++i)
    simulation.step(2);
  EXPECT_NEAR(simulation.step(2), 0.010, 1e-6);
}

TEST(DispatcherPlace, MaxTakesTheFastestWorkers) {
  JobLimits limits;
  limits.max_workers = 1;
  limits.speeds = {{0, 0.5}, {1, 1.0}};
  Dispatcher dispatcher(slots(2), RespawnPolicy{}, TimePoint{});
  for (const Command& command : dispatcher.take_commands()) {
    dispatcher.worker_ready(std::get<SpawnWorker>(command).worker, TimePoint{});
    dispatcher.model_loaded(std::get<SpawnWorker>(command).worker, kModel, ModelPart::kUnet,
                            TimePoint{});
  }
  dispatcher.take_commands();
  dispatcher.open_job(kJob, limits);
  dispatcher.submit({{UnitId{1}, kJob, kModel, ModelPart::kUnet, "shape"},
                     {UnitId{2}, kJob, kModel, ModelPart::kUnet, "shape"}},
                    TimePoint{});
  const auto commands = dispatcher.take_commands();
  ASSERT_EQ(commands.size(), 1U);
  EXPECT_EQ(std::get<StartUnit>(commands[0]).worker, WorkerId{2});
}

TEST(DispatcherPlace, AWorkerWhoseDeviceIsNotThereIsNotStartedAgain) {
  Dispatcher dispatcher({{"gpu:0", "gpu", "gpu:0", "gpu:0"}}, {}, {});
  const auto spawned = std::get<SpawnWorker>(dispatcher.take_commands().at(0));
  dispatcher.open_job(kJob, {});
  dispatcher.worker_exited(spawned.worker, "There is no such GPU.", {}, false);
  EXPECT_EQ(dispatcher.view(0).state, SlotState::kQuarantined);
  static_cast<void>(dispatcher.take_commands());
  dispatcher.submit({{UnitId{1}, kJob, kModel, ModelPart::kUnet, {}}}, {});
  const std::vector<Command> commands = dispatcher.take_commands();
  ASSERT_EQ(commands.size(), 1U);
  const Failure& failure = std::get<FailJob>(commands[0]).failure;
  EXPECT_EQ(failure.code, ErrorCode::kNoWorker);
  EXPECT_NE(failure.message.find("There is no such GPU."), std::string::npos) << failure.message;
}

// Both workers were killed; the end of one is seen while the other still looks idle.
TEST(DispatcherPlace, AUnitIsNotGivenToAWorkerWhoseEndIsAboutToBeSeen) {
  TimePoint now{std::chrono::seconds(1)};
  Dispatcher dispatcher(slots(2), RespawnPolicy{}, now);
  dispatcher.open_job(kJob, {});
  for (const WorkerId worker : {WorkerId{1}, WorkerId{2}}) {
    dispatcher.worker_ready(worker, now);
    dispatcher.model_loaded(worker, kModel, ModelPart::kUnet, now);
  }
  dispatcher.submit({{UnitId{1}, kJob, kModel, ModelPart::kUnet, "shape"}}, now);
  dispatcher.take_commands();
  dispatcher.worker_exited(WorkerId{1}, "signal 9", now);
  dispatcher.worker_exited(WorkerId{2}, "signal 9", now);
  const auto started_or_failed = [](const Command& command) {
    return std::holds_alternative<StartUnit>(command) || std::holds_alternative<FailJob>(command);
  };
  EXPECT_TRUE(std::ranges::none_of(dispatcher.take_commands(), started_or_failed));
  EXPECT_EQ(dispatcher.next_deadline(), now + Dispatcher::kSettle);
}

}  // namespace
}  // namespace tandem::coordinator
