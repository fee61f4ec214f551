// Workers that are taken out of service on request, and back into it.
#include <gtest/gtest.h>

#include "coordinator/dispatch/dispatcher.hpp"

namespace tandem::coordinator {
namespace {

constexpr JobId kJob{1};
constexpr ModelId kModel{7};

class DutyTest : public ::testing::Test {
 protected:
  DutyTest() : dispatcher_({{"cpu#0", "cpu", "cpu", {}}, {"cpu#1", "cpu", "cpu", {}}}, {}, now_) {
    pump();
    for (std::size_t slot = 0; slot < 2; ++slot) {
      dispatcher_.worker_ready(workers_[slot], now_);
      dispatcher_.model_loaded(workers_[slot], kModel, ModelPart::kUnet, now_);
    }
    dispatcher_.open_job(kJob, {PartDevices::all_on("cpu"), {}, {}, {}});
    pump();
  }

  void pump() {
    started_.clear();
    killed_.clear();
    failed_.reset();
    for (const Command& command : dispatcher_.take_commands()) {
      if (const auto* spawn = std::get_if<SpawnWorker>(&command)) {
        workers_[spawn->slot] = spawn->worker;
        ++spawned_;
      }
      if (const auto* start = std::get_if<StartUnit>(&command)) {
        started_[slot_of(start->worker)] = *start;
      }
      if (const auto* kill = std::get_if<KillWorker>(&command)) {
        killed_.push_back(slot_of(kill->worker));
      }
      if (const auto* fail = std::get_if<FailJob>(&command)) failed_ = fail->failure;
    }
  }

  std::size_t slot_of(WorkerId worker) const {
    return static_cast<std::size_t>(std::ranges::find(workers_, worker) - workers_.begin());
  }

  void submit(const std::vector<std::uint64_t>& units) {
    std::vector<UnitTicket> tickets;
    for (const std::uint64_t unit : units)
      tickets.push_back({UnitId{unit}, kJob, kModel, ModelPart::kUnet, "shape"});
    dispatcher_.submit(tickets, now_);
    pump();
  }

  void set_duty(std::size_t slot, Duty duty) {
    dispatcher_.set_duty(slot, duty, now_);
    pump();
  }

  void exits(std::size_t slot) {
    dispatcher_.worker_exited(workers_[slot], "signal 9", now_);
    now_ += Dispatcher::kSettle;
    dispatcher_.tick(now_);
    pump();
  }

  bool done(std::size_t slot, const StartUnit& unit) {
    const bool accepted = dispatcher_.unit_done(workers_[slot], unit.unit, unit.generation, now_);
    pump();
    return accepted;
  }

  TimePoint now_{};
  Dispatcher dispatcher_;
  std::array<WorkerId, 2> workers_;
  std::map<std::size_t, StartUnit> started_;
  std::vector<std::size_t> killed_;
  std::optional<Failure> failed_;
  int spawned_ = 0;
};

TEST_F(DutyTest, ADrainedWorkerEndsItsUnitAndBeginsNone) {
  submit({1, 2, 3});
  ASSERT_EQ(started_.size(), 2U);
  const StartUnit unit = started_.at(0);
  set_duty(0, Duty::kDrained);
  EXPECT_TRUE(killed_.empty());
  EXPECT_TRUE(done(0, unit));
  EXPECT_TRUE(started_.empty()) << "the third unit waits for the other one";
  EXPECT_EQ(dispatcher_.view(0).duty, Duty::kDrained);
  EXPECT_EQ(dispatcher_.usable_workers({PartDevices::all_on("cpu"), {}, {}, {}}), 1U);
}

TEST_F(DutyTest, WhatOnlyDrainedWorkersCouldDoWaits) {
  set_duty(0, Duty::kDrained);
  set_duty(1, Duty::kDrained);
  submit({1, 2});
  EXPECT_TRUE(started_.empty());
  EXPECT_FALSE(failed_);
  set_duty(1, Duty::kOn);
  ASSERT_EQ(started_.size(), 1U);
  EXPECT_TRUE(started_.contains(1));
}

TEST_F(DutyTest, ADisabledWorkersUnitRunsAgainElsewhereAndIsNotBlamed) {
  submit({1});
  const std::size_t slot = started_.begin()->first;
  for (int round = 0; round < 5; ++round) {
    const std::size_t busy = round % 2 == 0 ? slot : 1 - slot;
    set_duty(busy, Duty::kOff);
    EXPECT_EQ(killed_, std::vector{busy});
    exits(busy);
    EXPECT_FALSE(failed_);
    EXPECT_EQ(dispatcher_.view(busy).state, SlotState::kDisabled);
    ASSERT_TRUE(started_.contains(1 - busy)) << "round " << round;
    set_duty(busy, Duty::kOn);
    dispatcher_.worker_ready(workers_[busy], now_);
    dispatcher_.model_loaded(workers_[busy], kModel, ModelPart::kUnet, now_);
    pump();
  }
}

TEST_F(DutyTest, ADisabledWorkerIsNotStartedAgain) {
  set_duty(0, Duty::kOff);
  const int before = spawned_;
  exits(0);
  now_ += std::chrono::hours(1);
  dispatcher_.tick(now_);
  pump();
  EXPECT_EQ(spawned_, before);
  set_duty(0, Duty::kOn);
  EXPECT_EQ(spawned_, before + 1);
  EXPECT_EQ(dispatcher_.view(0).state, SlotState::kStarting);
  EXPECT_TRUE(dispatcher_.view(0).reason.empty());
}

TEST_F(DutyTest, WhatOnlyDisabledWorkersCouldDoFails) {
  for (const std::size_t slot : {0U, 1U}) {
    set_duty(slot, Duty::kOff);
    exits(slot);
  }
  submit({1});
  ASSERT_TRUE(failed_);
  EXPECT_EQ(failed_->code, ErrorCode::kNoWorker);
  EXPECT_NE(failed_->message.find("disabled on request"), std::string::npos) << failed_->message;
}

TEST_F(DutyTest, EnablingEndsAQuarantine) {
  for (int death = 0; death < 6; ++death) {
    exits(0);
    now_ += std::chrono::minutes(1);
    dispatcher_.tick(now_);
    pump();
  }
  ASSERT_EQ(dispatcher_.view(0).state, SlotState::kQuarantined);
  set_duty(0, Duty::kOn);
  EXPECT_EQ(dispatcher_.view(0).state, SlotState::kStarting);
  exits(0);
  EXPECT_EQ(dispatcher_.view(0).state, SlotState::kStarting) << "it may die again";
}

}  // namespace
}  // namespace tandem::coordinator
