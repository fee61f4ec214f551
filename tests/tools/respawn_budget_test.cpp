#include "tools/tandem/respawn_budget.hpp"

#include <gtest/gtest.h>

namespace tandem::client {
namespace {

using namespace std::chrono_literals;
using Clock = RespawnBudget::Clock;

TEST(RespawnBudget, WaitsDoubleAndEndAfterFive) {
  RespawnBudget budget;
  const Clock::time_point now{};
  for (const auto expected : {500ms, 1000ms, 2000ms, 4000ms, 8000ms}) {
    EXPECT_EQ(budget.died(now, now), expected);
  }
  EXPECT_EQ(budget.died(now, now), std::nullopt);
}

TEST(RespawnBudget, DeathsFarApartNeverEndIt) {
  RespawnBudget budget;
  Clock::time_point born{};
  for (int i = 0; i < 100; ++i) {
    const Clock::time_point now = born + 61s;
    EXPECT_EQ(budget.died(born, now), 500ms);
    born = now;
  }
}

TEST(RespawnBudget, WaitsStayBelowTheLongest) {
  RespawnBudget budget;
  Clock::time_point now{};
  std::chrono::milliseconds last{0};
  for (int i = 0; i < 20; ++i) {
    now += 20s;
    last = budget.died(now - 10s, now).value();
  }
  EXPECT_EQ(last, RespawnBudget::kLongest);
}

}  // namespace
}  // namespace tandem::client
