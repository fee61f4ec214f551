#include "coordinator/conditioning/hook_strengths.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

job::Hook hook(const std::string& type, const std::string& file, double strength) {
  job::Hook hook;
  hook.type = type;
  hook.file = file;
  hook.strength_model = strength;
  return hook;
}

TEST(GivenHookStrengths, AGroupsFactorCountsForItsWeightHooks) {
  const HookGroups groups = {{"g", {hook("weight", "a", 0.5), hook("weight", "b", -2.0)}},
                             {"h", {hook("wrapper", "", 1.0), hook("weight", "c", 3.0)}}};
  GivenHookStrengths strengths(groups);
  strengths.set({{"g", 0.5}});
  using Strengths = std::vector<HookStrength>;
  EXPECT_EQ(strengths.at({"h", "g"}, 1.0F), (Strengths{{"c", 3.0}, {"a", 0.25}, {"b", -1.0}}));
  EXPECT_EQ(strengths.at({"g", "g"}, 1.0F), (Strengths{{"a", 0.25}, {"b", -1.0}}));
  EXPECT_EQ(strengths.at({}, 1.0F), Strengths{});
  strengths.set({{"h", 0.0}});
  EXPECT_EQ(strengths.at({"g", "h"}, 1.0F), (Strengths{{"a", 0.5}, {"b", -2.0}, {"c", 0.0}}));
}

}  // namespace
}  // namespace tandem::coordinator
