#include "coordinator/service/job_table.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

class JobTableTest : public ::testing::Test {
 protected:
  std::shared_ptr<JobRecord> add(int priority = 0) {
    AcceptedJob accepted;
    accepted.id = JobId{next_++};
    auto record = std::make_shared<JobRecord>(table_.new_id(), std::move(accepted), priority);
    table_.add(record);
    return record;
  }

  ErrorCode code_of(const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorCode::kInternal;
  }

  static HostLimits limits() {
    HostLimits limits;
    limits.queued_jobs = 2;
    limits.queued_bytes = 100;
    limits.result_ttl_seconds = 60;
    return limits;
  }

  JobTable table_{limits()};
  std::uint64_t next_ = 1;
};

TEST_F(JobTableTest, FirstComeFirstServedWithinAPriority) {
  const auto first = add();
  const auto second = add();
  const auto urgent = add(5);
  EXPECT_EQ(table_.next_queued(), urgent);
  EXPECT_EQ(table_.position(*urgent), 0U);
  EXPECT_EQ(table_.position(*first), 1U);
  EXPECT_EQ(table_.position(*second), 2U);
  urgent->end(Phase::kDone, {}, {});
  EXPECT_EQ(table_.next_queued(), first);
}

TEST_F(JobTableTest, ARunningJobIsBeforeAllThatWait) {
  const auto running = add(-10);
  PhaseEvent sampling;
  sampling.phase = Phase::kSampling;
  running->add_event(sampling);
  const auto waiting = add(10);
  EXPECT_EQ(table_.position(*waiting), 1U);
  EXPECT_EQ(table_.next_queued(), waiting);
}

TEST_F(JobTableTest, BoundsWhatWaits) {
  EXPECT_EQ(code_of([&] { table_.check_quota(101); }), ErrorCode::kQuota);
  add();
  const auto second = add();
  EXPECT_EQ(code_of([&] { table_.check_quota(0); }), ErrorCode::kQuota);
  second->end(Phase::kDone, {}, {});
  table_.check_quota(100);
}

TEST_F(JobTableTest, ForgetsOnlyWhatHasEnded) {
  const auto job = add();
  EXPECT_EQ(code_of([&] { table_.forget(job->id()); }), ErrorCode::kBadRequest);
  job->end(Phase::kDone, {}, {});
  table_.forget(job->id());
  EXPECT_EQ(code_of([&] { table_.at(job->id()); }), ErrorCode::kNotFound);
}

TEST_F(JobTableTest, ResultsExpire) {
  const auto job = add();
  const auto waiting = add();
  job->end(Phase::kDone, {}, {});
  table_.expire(std::chrono::steady_clock::now() + std::chrono::seconds(59));
  EXPECT_EQ(table_.all().size(), 2U);
  table_.expire(std::chrono::steady_clock::now() + std::chrono::seconds(61));
  EXPECT_EQ(table_.all(), std::vector{waiting});
}

TEST_F(JobTableTest, OldResultsMakeRoomForNewOnes) {
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::shared_ptr<JobRecord>> jobs;
  for (int i = 0; i < 3; ++i) {
    jobs.push_back(add());
    JobResult result;
    result.bytes = kKeptResultBytes / 2;
    jobs.back()->end(Phase::kDone, {}, std::move(result));
  }
  const auto waiting = add();
  table_.expire(now);
  EXPECT_EQ(table_.all(), (std::vector{jobs[1], jobs[2], waiting}));
  for (std::size_t i = 0; i <= kKeptResults; ++i)
    add()->end(Phase::kFailed, {}, {});
  table_.expire(now);
  EXPECT_EQ(table_.all().size(), kKeptResults + 1) << "and the one that waits";
}

TEST_F(JobTableTest, AnIdOfAnotherServiceIsUnknown) {
  JobTable other(limits());
  EXPECT_NE(other.new_id(), table_.new_id());
}

}  // namespace
}  // namespace tandem::coordinator
