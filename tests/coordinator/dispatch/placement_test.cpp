#include "coordinator/dispatch/placement.hpp"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

std::vector<PlacementWorker> idle(std::size_t count, const std::string& device = {}) {
  return {count, PlacementWorker{0.0, device}};
}

// Units of one cost on workers of these times.
UnitCost times(std::vector<double> seconds) {
  return [seconds = std::move(seconds)](std::size_t worker, std::size_t, int) {
    return seconds[worker];
  };
}

TEST(Placement, SpreadsOverEqualWorkers) {
  const Placement placement = place_units(idle(2), 4, times({1.0, 1.0}));
  EXPECT_EQ(placement.worker_of, (std::vector<std::size_t>{0, 1, 0, 1}));
  EXPECT_DOUBLE_EQ(placement.ends_in, 2.0);
}

TEST(Placement, LeavesASlowWorkerOutThatWouldEndLast) {
  EXPECT_EQ(place_units(idle(2), 2, times({1.0, 4.0})).worker_of, (std::vector<std::size_t>{0, 0}));
  EXPECT_EQ(place_units(idle(2), 5, times({1.0, 4.0})).worker_of,
            (std::vector<std::size_t>{0, 0, 0, 0, 1}));
}

TEST(Placement, WaitsForABusyWorkerThatIsSoonFree) {
  std::vector<PlacementWorker> workers = idle(2);
  workers[0].available_in = 0.5;
  EXPECT_EQ(place_units(workers, 1, times({1.0, 2.0})).worker_of, (std::vector<std::size_t>{0}));
  workers[0].available_in = 1.5;
  EXPECT_EQ(place_units(workers, 1, times({1.0, 2.0})).worker_of, (std::vector<std::size_t>{1}));
}

TEST(Placement, LongUnitsGoFirst) {
  const std::vector<double> lengths = {1.0, 1.0, 1.0, 3.0};
  const auto cost = [&](std::size_t, std::size_t unit, int) { return lengths[unit]; };
  EXPECT_DOUBLE_EQ(place_units(idle(2), 4, cost).ends_in, 3.0);
}

TEST(Placement, UsesFewerWorkersWhereMoreAreSlower) {
  const auto shared_gpu = [](std::size_t, std::size_t, int crowd) {
    return crowd == 1 ? 7.0 : 15.2;
  };
  const Placement alone = place_units(idle(2, "gpu:0"), 2, shared_gpu);
  EXPECT_EQ(alone.worker_of, (std::vector<std::size_t>{0, 0}));
  EXPECT_DOUBLE_EQ(alone.ends_in, 14.0);
  const auto little = [](std::size_t, std::size_t, int crowd) { return crowd == 1 ? 7.0 : 9.0; };
  EXPECT_EQ(place_units(idle(2, "cpu"), 2, little).worker_of, (std::vector<std::size_t>{0, 1}));
}

// The least time in which `units` equal units can end: by trying all counts per worker.
double best_possible(const std::vector<double>& seconds, std::size_t units) {
  double low = 0.0;
  double high = seconds.front() * static_cast<double>(units);
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    std::size_t done = 0;
    for (const double unit : seconds)
      done += static_cast<std::size_t>(middle / unit + 1e-9);
    (done >= units ? high : low) = middle;
  }
  return high;
}

TEST(Placement, IsTheBestPossibleForEqualUnits) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> seconds(1 + random() % 8);
    for (double& unit : seconds)
      unit = 1.0 + static_cast<double>(random() % 40) / 10.0;
    const std::size_t units = 1 + random() % 32;
    const double ends = place_units(idle(seconds.size()), units, times(seconds)).ends_in;
    EXPECT_LE(ends, best_possible(seconds, units) * (1.0 + 1e-6)) << "round " << round;
  }
}

}  // namespace
}  // namespace tandem::coordinator
