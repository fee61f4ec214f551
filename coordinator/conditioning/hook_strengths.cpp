#include "coordinator/conditioning/hook_strengths.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace tandem::coordinator {

double scaled_strength(double strength, double factor) {
  const bool is_one = std::abs(factor - 1.0) <= 1e-9 * std::max(std::abs(factor), 1.0);
  return is_one ? strength : strength * factor;
}

std::vector<HookStrength> GivenHookStrengths::at(const std::vector<std::string>& groups, float) {
  std::vector<HookStrength> strengths;
  std::set<std::string> seen;
  for (const std::string& group : groups) {
    if (!seen.insert(group).second) continue;
    const auto given = factors_.find(group);
    const double factor = given == factors_.end() ? 1.0 : given->second;
    for (const job::Hook* hook : weight_hooks(groups_, {group}))
      strengths.push_back({hook->file, scaled_strength(hook->strength_model, factor)});
  }
  return strengths;
}

}  // namespace tandem::coordinator
