#include "coordinator/conditioning/clip_schedule.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

job::Hook hook(std::vector<job::Keyframe> keyframes) {
  job::Hook hook;
  hook.type = std::string("weight");
  hook.file = std::string("a");
  hook.strength_clip = 2.0;
  hook.keyframes = std::move(keyframes);
  return hook;
}

// start, end, and the strength of each hook
using Rows = std::vector<std::vector<double>>;

Rows rows_of(const HookGroups& groups, const std::vector<std::string>& ids, bool schedule) {
  Rows rows;
  for (const ClipRange& range : clip_ranges(groups, ids, schedule)) {
    rows.push_back({range.start_percent, range.end_percent});
    for (const HookStrength& strength : range.hooks)
      rows.back().push_back(strength.strength);
  }
  return rows;
}

TEST(ClipRanges, WithoutScheduleKeyframesDoNotCount) {
  EXPECT_EQ(rows_of({{"h", {hook({{0.0, 0.5, 1}})}}}, {"h"}, false), (Rows{{0.0, 1.0, 2.0}}));
  EXPECT_EQ(rows_of({}, {}, true), (Rows{{0.0, 1.0}}));
}

TEST(ClipRanges, HooksOfPluginsDoNotCount) {
  job::Hook wrapper;
  wrapper.type = std::string("wrapper");
  EXPECT_EQ(rows_of({{"h", {wrapper, hook({})}}, {"p", {wrapper}}}, {"p", "h"}, true),
            (Rows{{0.0, 1.0, 2.0}}));
}

TEST(ClipRanges, ARangeForEachStrength) {
  const HookGroups groups = {
      {"h", {hook({{0.0, 1.0, 1}, {0.2, 1.0, 1}, {0.4, 0.5, 1}, {0.7, -1.0, 1}})}}};
  EXPECT_EQ(rows_of(groups, {"h"}, true),
            (Rows{{0.0, 0.4, 2.0}, {0.4, 0.7, 1.0}, {0.7, 1.0, -2.0}}));
}

TEST(ClipRanges, BeforeItsFirstKeyframeAHookHasItsOwnStrength) {
  EXPECT_EQ(rows_of({{"h", {hook({{0.3, 0.5, 1}})}}}, {"h"}, true),
            (Rows{{0.0, 0.3, 2.0}, {0.3, 1.0, 1.0}}));
}

TEST(ClipRanges, BordersOfAllHooksCount) {
  const HookGroups groups = {{"h", {hook({{0.0, 1.0, 1}, {0.5, 0.5, 1}})}},
                             {"k", {hook({{0.0, 0.1, 1}, {0.8, 1.0, 1}})}}};
  EXPECT_EQ(rows_of(groups, {"h", "k"}, true),
            (Rows{{0.0, 0.5, 2.0, 0.2}, {0.5, 0.8, 1.0, 0.2}, {0.8, 1.0, 1.0, 2.0}}));
}

}  // namespace
}  // namespace tandem::coordinator
