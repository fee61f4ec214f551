#include "coordinator/workers/job_units.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

UnitOutcome outcome(const std::string& worker) {
  return {EncodeTextResult{}, nullptr, worker, 0.0};
}

TEST(UnitBatch, DeliversWhenTheLastResultIsThere) {
  std::vector<UnitOutcome> outcomes;
  UnitBatch batch(JobId{1}, 2,
                  [&](std::vector<UnitOutcome> got, const std::optional<Failure>& failure) {
                    EXPECT_FALSE(failure);
                    outcomes = std::move(got);
                  });
  batch.deliver(1, outcome("second"));
  EXPECT_TRUE(outcomes.empty());
  batch.deliver(0, outcome("first"));
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[0].worker, "first");
  EXPECT_EQ(outcomes[1].worker, "second");
}

TEST(UnitBatch, TheFirstFailureCounts) {
  std::vector<ErrorCode> codes;
  UnitBatch batch(JobId{1}, 1,
                  [&](const std::vector<UnitOutcome>&, const std::optional<Failure>& failure) {
                    codes.push_back(failure.value().code);
                  });
  batch.fail({ErrorCode::kWorkerLost, "gone"});
  batch.fail({ErrorCode::kInternal, "later"});
  batch.deliver(0, outcome("late"));
  EXPECT_EQ(codes, (std::vector{ErrorCode::kWorkerLost}));
}

class JobUnitsTest : public ::testing::Test {
 protected:
  // Batches are handed to another thread, which stands for the io thread.
  std::promise<std::shared_ptr<UnitBatch>> handed_;
  JobUnits units_{JobId{3}, std::make_shared<TensorArena>(),
                  [this](std::shared_ptr<UnitBatch> batch, const std::vector<UnitTask>&) {
                    handed_.set_value(std::move(batch));
                  }};
};

TEST_F(JobUnitsTest, NoTasksAreDoneAtOnce) {
  EXPECT_TRUE(units_.run({}).empty());
}

TEST_F(JobUnitsTest, CancelFailsWhatWaitsAndWhatComes) {
  std::thread io([&] {
    const auto batch = handed_.get_future().get();
    EXPECT_TRUE(units_.admit(batch));
    units_.cancel();
    const auto late = std::make_shared<UnitBatch>(
        JobId{3}, 1, [](const std::vector<UnitOutcome>&, const std::optional<Failure>&) {});
    EXPECT_FALSE(units_.admit(late));
  });
  EXPECT_THROW(units_.run(std::vector<UnitTask>(1)), Error);
  io.join();
  EXPECT_THROW(units_.run(std::vector<UnitTask>(1)), Error);
}

TEST_F(JobUnitsTest, ConstantsHaveIdsOfTheirOwn) {
  const ConstantId first = units_.add_constant({});
  const ConstantId second = units_.add_constant({});
  EXPECT_NE(first, second);
  EXPECT_EQ(units_.constants(), (std::vector<ConstantId>{first, second}));
  JobUnits other(JobId{4}, nullptr, {});
  EXPECT_NE(other.add_constant({}), first);
}

TEST_F(JobUnitsTest, ADroppedConstantIsGoneAndItsIdIsNotUsedAgain) {
  std::vector<ConstantId> told;
  JobUnits units(JobId{3}, nullptr, {}, false, [&](auto dropped) { told = std::move(dropped); });
  const ConstantId first = units.add_constant({});
  const ConstantId second = units.add_constant({});
  units.drop_constants({first, second});
  EXPECT_EQ(told, (std::vector<ConstantId>{first, second}));
  EXPECT_FALSE(units.constant(second));
  const ConstantId third = units.add_constant({});
  EXPECT_NE(third, first);
  EXPECT_NE(third, second);
}

TEST_F(JobUnitsTest, FilesHaveIdsBesideTheConstants) {
  const auto file = std::make_shared<const MemoryFile>();
  JobUnits units(JobId{3}, nullptr, {}, false, {}, {file});
  ASSERT_EQ(units.files().size(), 1U);
  EXPECT_EQ(units.files().begin()->second, file);
  const ConstantId constant = units.add_constant({});
  EXPECT_EQ(units.constants(), (std::vector<ConstantId>{constant, units.files().begin()->first}));
}

}  // namespace
}  // namespace tandem::coordinator
