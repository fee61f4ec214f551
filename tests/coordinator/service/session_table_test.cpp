#include "coordinator/service/session_table.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

constexpr std::uint32_t kUser = 1000;

class SessionTableTest : public ::testing::Test {
 protected:
  static bool no_jobs(const std::string&) { return false; }

  SessionTable table_{std::chrono::seconds(60)};
  SessionTable::TimePoint start_;
};

TEST_F(SessionTableTest, ComesBackToItsOwn) {
  const std::string first = table_.begin({}, kUser, start_);
  EXPECT_EQ(table_.begin(first, kUser, start_), first);
  table_.end(first, start_);
  table_.end(first, start_);
  EXPECT_EQ(table_.begin(first, kUser, start_), first);
}

TEST_F(SessionTableTest, OneThatIsNotKnownIsANewOne) {
  EXPECT_NE(table_.begin("made up", kUser, start_), "made up");
  const std::string another = table_.begin({}, kUser + 1, start_);
  EXPECT_NE(table_.begin(another, kUser, start_), another) << "it is another user's";
}

TEST_F(SessionTableTest, IsForgottenWithoutConnectionsAndJobs) {
  const std::string id = table_.begin({}, kUser, start_);
  const auto late = start_ + std::chrono::seconds(1000);
  table_.expire(late, no_jobs);
  EXPECT_EQ(table_.size(), 1U) << "it has a connection";
  table_.end(id, late);
  table_.expire(late + std::chrono::seconds(60), no_jobs);
  EXPECT_EQ(table_.size(), 1U) << "its host may come back";
  table_.expire(late + std::chrono::seconds(61), [&](const std::string& has) { return has == id; });
  EXPECT_EQ(table_.size(), 1U) << "it has a job";
  table_.expire(late + std::chrono::seconds(61), no_jobs);
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(SessionTableTest, IsBounded) {
  const std::string connected = table_.begin({}, kUser, start_);
  for (std::size_t i = 0; i < 2 * SessionTable::kMost; ++i)
    table_.end(table_.begin({}, kUser, start_), start_);
  EXPECT_LE(table_.size(), SessionTable::kMost);
  EXPECT_EQ(table_.begin(connected, kUser, start_), connected);
}

}  // namespace
}  // namespace tandem::coordinator
