#include "coordinator/service/job_table.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

class JobTableTest : public ::testing::Test {
 protected:
  std::shared_ptr<JobRecord> add(int priority = 0, const std::string& session = "s",
                                 std::uint32_t user = 1) {
    AcceptedJob accepted;
    accepted.id = JobId{next_++};
    auto record = std::make_shared<JobRecord>(table_.new_id(), std::move(accepted),
                                              JobOwner{user, session}, priority);
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
  const JobOwner owner{1, "s"};
  EXPECT_EQ(code_of([&] { table_.check_quota(owner, 101); }), ErrorCode::kQuota);
  add();
  const auto second = add();
  EXPECT_EQ(code_of([&] { table_.check_quota(owner, 0); }), ErrorCode::kQuota);
  table_.check_quota({2, "s"}, 100);
  second->end(Phase::kDone, {}, {});
  table_.check_quota(owner, 100);
}

TEST_F(JobTableTest, AFloodDoesNotShutOutTheUsersOtherSessions) {
  HostLimits limits;
  limits.queued_jobs = 32;
  limits.queued_bytes = 1600;
  table_ = JobTable(limits);
  for (int i = 0; i < 32; ++i)
    add(0, "flood");
  EXPECT_EQ(code_of([&] { table_.check_quota({1, "flood"}, 0); }), ErrorCode::kQuota);
  table_.check_quota({1, "quiet"}, 100);
  EXPECT_EQ(code_of([&] { table_.check_quota({1, "quiet"}, 101); }), ErrorCode::kQuota);
  add(0, "quiet");
  add(0, "quiet");
  EXPECT_EQ(code_of([&] { table_.check_quota({1, "quiet"}, 0); }), ErrorCode::kQuota);
  for (int i = 0; i < 30; ++i)
    add(0, std::to_string(i));
  EXPECT_EQ(code_of([&] { table_.check_quota({1, "new"}, 0); }), ErrorCode::kQuota);
}

// Runs all that waits; "abab" for the sessions whose jobs ran, in order.
std::string run_all(JobTable& table, double seconds_of_a) {
  std::string order;
  while (const auto job = table.next_queued()) {
    order += job->owner().session;
    table.charge(job->accepted().id, job->owner().session == "a" ? seconds_of_a : 1.0);
    job->end(Phase::kDone, {}, {});
  }
  return order;
}

TEST_F(JobTableTest, SessionsTakeTurns) {
  for (int i = 0; i < 3; ++i)
    add(0, "a");
  for (int i = 0; i < 4; ++i)
    add(0, "b");
  EXPECT_EQ(run_all(table_, 1.0), "abababb");
}

TEST_F(JobTableTest, ALongJobCountsAsManyTurns) {
  for (int i = 0; i < 3; ++i)
    add(0, "a");
  for (int i = 0; i < 9; ++i)
    add(0, "b");
  EXPECT_EQ(run_all(table_, 4.0), "abbbbabbbbab");
}

TEST_F(JobTableTest, PriorityGoesBeforeTurnsWithinAUser) {
  add(0, "a");
  add(5, "b");
  add(5, "b");
  EXPECT_EQ(run_all(table_, 1.0), "bba");
}

TEST_F(JobTableTest, PriorityTakesNoTurnFromAnotherUser) {
  for (int i = 0; i < 2; ++i)
    add(10, "a", 1);
  for (int i = 0; i < 2; ++i)
    add(0, "b", 2);
  EXPECT_EQ(run_all(table_, 1.0), "abab");
}

TEST_F(JobTableTest, UnitsOfAnEvaluatorCountForTheTurnsOfItsHost) {
  const JobOwner host{1, "a"};
  table_.begin_request(host);
  for (int i = 0; i < 3; ++i)
    add(0, "a");
  for (int i = 0; i < 5; ++i)
    add(0, "b");
  table_.charge(host, 2.0);
  EXPECT_EQ(run_all(table_, 1.0), "bbababab");
}

TEST_F(JobTableTest, TheyCountBeforeTheHostHasAJob) {
  const JobOwner host{1, "a"};
  table_.begin_request(host);
  for (int i = 0; i < 4; ++i)
    add(0, "b");
  table_.charge(host, 2.0);
  for (int i = 0; i < 2; ++i)
    add(0, "a");
  EXPECT_EQ(run_all(table_, 1.0), "bbbaba");
}

TEST_F(JobTableTest, TheyCountBetweenRequests) {
  const JobOwner host{1, "a"};
  for (int i = 0; i < 4; ++i)
    add(0, "b");
  for (int i = 0; i < 2; ++i) {
    table_.begin_request(host);
    table_.charge(host, 1.0);
    table_.end_request(host);
  }
  for (int i = 0; i < 2; ++i)
    add(0, "a");
  EXPECT_EQ(run_all(table_, 1.0), "bbbaba");
}

TEST_F(JobTableTest, AnEvaluatorAloneTakesNothingFromNobody) {
  const JobOwner host{1, "a"};
  table_.begin_request(host);
  table_.charge(host, 100.0);
  for (int i = 0; i < 2; ++i) {
    add(0, "a");
    add(0, "b");
  }
  EXPECT_EQ(run_all(table_, 1.0), "abab");
}

// One that began at nothing and stayed would let newcomers begin at nothing, too.
TEST_F(JobTableTest, AnEvaluatorThatIsAskedNothingTakesNoPart) {
  const JobOwner host{1, "a"};
  table_.begin_request(host);
  table_.begin_request(host);
  table_.end_request(host);
  table_.end_request(host);
  for (int i = 0; i < 3; ++i)
    add(0, "b");
  EXPECT_EQ(run_all(table_, 1.0), "bbb");
  for (int i = 0; i < 3; ++i) {
    add(0, "b");
    add(0, "c");
  }
  EXPECT_EQ(run_all(table_, 1.0), "bcbcbc");
}

TEST_F(JobTableTest, PositionCountsTheTurnsOfOthers) {
  for (int i = 0; i < 10; ++i)
    add(0, "a");
  const auto first = add(0, "b");
  const auto second = add(0, "b");
  const auto of_another = add(0, "c", 2);
  EXPECT_EQ(table_.position(*first), 2U);
  EXPECT_EQ(table_.position(*second), 4U);
  EXPECT_EQ(table_.position(*of_another), 1U);
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
