#include "ipc/busy_wait.hpp"

#include <gtest/gtest.h>

namespace tandem::ipc {
namespace {

const BusyWait::TimePoint kStart{std::chrono::hours(1)};

TEST(BusyWait, LastsForAWhileAfterEachUnit) {
  BusyWait wait(true);
  EXPECT_FALSE(wait.is_on(kStart));
  wait.expect_more(kStart);
  EXPECT_TRUE(wait.is_on(kStart));
  EXPECT_FALSE(wait.is_on(kStart + kBusyWait));
  wait.expect_more(kStart + kBusyWait);
  EXPECT_TRUE(wait.is_on(kStart + kBusyWait));
}

TEST(BusyWait, IsNeverOnWhereItIsNotEnabled) {
  BusyWait wait(false);
  wait.expect_more(kStart);
  EXPECT_FALSE(wait.is_on(kStart));
}

}  // namespace
}  // namespace tandem::ipc
