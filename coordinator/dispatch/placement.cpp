#include "coordinator/dispatch/placement.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace tandem::coordinator {
namespace {

// The workers that are tried together, by position.
using Chosen = std::vector<std::size_t>;

int crowd_of(const std::vector<PlacementWorker>& workers, const Chosen& chosen, std::size_t worker,
             std::size_t units) {
  if (workers[worker].group.empty()) return 1;
  const auto members = std::ranges::count_if(
      chosen, [&](std::size_t other) { return workers[other].group == workers[worker].group; });
  return static_cast<int>(std::min(static_cast<std::size_t>(members), units));
}

// Short units fill the gaps that long ones leave (Graham 1969); of one cost, in their order.
std::vector<std::size_t> longest_first(std::size_t worker, std::size_t units,
                                       const UnitCost& cost) {
  std::vector<std::size_t> order(units);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{},
                           [&](std::size_t unit) { return cost(worker, unit, 1); });
  return order;
}

Placement place_on(const std::vector<PlacementWorker>& workers, const Chosen& chosen,
                   std::size_t units, const UnitCost& cost) {
  std::vector<double> free_in;
  std::vector<int> crowds;
  for (const std::size_t worker : chosen) {
    free_in.push_back(workers[worker].available_in);
    crowds.push_back(crowd_of(workers, chosen, worker, units));
  }
  Placement placement;
  placement.worker_of.resize(units);
  for (const std::size_t unit : longest_first(chosen.front(), units, cost)) {
    std::size_t best = 0;
    double best_end = 0.0;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const double end = free_in[i] + cost(chosen[i], unit, crowds[i]);
      if (i == 0 || end < best_end) {
        best = i;
        best_end = end;
      }
    }
    free_in[best] = best_end;
    placement.worker_of[unit] = chosen[best];
    placement.ends_in = std::max(placement.ends_in, best_end);
  }
  return placement;
}

// By the time at which a first unit would end there, alone.
Chosen fastest_first(const std::vector<PlacementWorker>& workers, const UnitCost& cost) {
  std::vector<double> ends;
  for (std::size_t worker = 0; worker < workers.size(); ++worker)
    ends.push_back(workers[worker].available_in + cost(worker, 0, 1));
  Chosen order(workers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t worker) { return ends[worker]; });
  return order;
}

}  // namespace

Placement place_units(const std::vector<PlacementWorker>& workers, std::size_t units,
                      const UnitCost& cost) {
  if (units == 0) return {};
  Chosen chosen = fastest_first(workers, cost);
  Placement best = place_on(workers, chosen, units, cost);
  while (chosen.size() > 1) {
    chosen.pop_back();
    Placement fewer = place_on(workers, chosen, units, cost);
    if (fewer.ends_in < best.ends_in * (1.0 - kWorthLeaving)) best = std::move(fewer);
  }
  return best;
}

}  // namespace tandem::coordinator
