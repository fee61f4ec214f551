// Which of the workers that could compute waiting units should: so that all of them end soonest.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace tandem::coordinator {

// A worker that has what the units need.
struct PlacementWorker {
  double available_in = 0.0;  // seconds until it is free, by estimate; 0 for an idle one
  std::string group;          // workers of one group slow each other down; empty: it slows nobody
};

// Seconds that a unit takes on a worker (both by position) in a crowd of that many workers of its
// group.
using UnitCost = std::function<double(std::size_t worker, std::size_t unit, int crowd)>;

struct Placement {
  std::vector<std::size_t> worker_of;  // of each unit, in the order of units
  double ends_in = 0.0;                // seconds until the last of them has ended, by estimate
};

// Each unit in turn, the longest first, goes to the worker on which it ends first: best for units
// of one cost on workers of any speeds, close to it for others (Gonzalez, Ibarra and Sahni 1977).
// Tried with all workers and with the fastest ones alone, since more may be slower where they are
// a group; fewer are taken where that is faster by kWorthLeaving. workers is not empty. Pure: the
// same input gives the same placement.
Placement place_units(const std::vector<PlacementWorker>& workers, std::size_t units,
                      const UnitCost& cost);

// Estimates are no truer than this.
inline constexpr double kWorthLeaving = 0.02;

}  // namespace tandem::coordinator
