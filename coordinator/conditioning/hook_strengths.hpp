// How strongly hooks count at this moment, wherever that comes from.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/conditioning/hook_groups.hpp"
#include "coordinator/units/unit_runner.hpp"

namespace tandem::coordinator {

// strength * factor; a factor that is 1 to Python's math.isclose leaves the strength as it is.
double scaled_strength(double strength, double factor);

class HookStrengths {
 public:
  virtual ~HookStrengths() = default;

  // The model's strengths at sigma for a cond that carries these groups.
  virtual std::vector<HookStrength> at(const std::vector<std::string>& groups, float sigma) = 0;
};

// As a host gives them: a factor for all hooks of a group.
class GivenHookStrengths : public HookStrengths {
 public:
  // groups is referred to.
  explicit GivenHookStrengths(const HookGroups& groups) : groups_(groups) {}

  // Of the groups that are not named the factor is 1.
  void set(std::map<std::string, double> factors) { factors_ = std::move(factors); }

  std::vector<HookStrength> at(const std::vector<std::string>& groups, float sigma) override;

 private:
  const HookGroups& groups_;
  std::map<std::string, double> factors_;
};

}  // namespace tandem::coordinator
