#include "coordinator/conditioning/hook_schedule.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

job::Hook hook(std::vector<job::Keyframe> keyframes, double strength = 1.0) {
  job::Hook hook;
  hook.type = std::string("weight");
  hook.file = std::string("a");
  hook.strength_model = strength;
  hook.keyframes = std::move(keyframes);
  return hook;
}

// Strengths of group "h" at SD1's sigmas for these percents of a run.
std::vector<double> strengths(const HookGroups& groups, const std::vector<double>& percents,
                              double run_starts_at = 0.0001) {
  const models::Prediction prediction{SigmaParameters{}};
  const auto sigma = [&](double percent) {
    return static_cast<float>(prediction.percent_to_sigma(percent));
  };
  HookSchedule schedule(groups, prediction, {sigma(run_starts_at), 0.0F});
  std::vector<double> found;
  for (const double percent : percents)
    found.push_back(schedule.at({"h"}, sigma(percent)).front().strength);
  return found;
}

TEST(HookSchedule, WithoutKeyframesTheStrengthIsTheHooksOwn) {
  EXPECT_EQ(strengths({{"h", {hook({}, 0.7)}}}, {0.1, 0.9}), (std::vector{0.7, 0.7}));
}

TEST(HookSchedule, TheFirstKeyframeHoldsBeforeItsStart) {
  const HookGroups groups = {{"h", {hook({{0.7, 1.0, 1}, {0.4, 0.5, 1}}, 2.0)}}};
  EXPECT_EQ(strengths(groups, {0.1, 0.5, 0.7, 0.9}), (std::vector{1.0, 1.0, 2.0, 2.0}));
}

TEST(HookSchedule, EachKeyframeStaysForItsGuaranteedSteps) {
  const HookGroups groups = {
      {"h", {hook({{0.0, 0.2, 0}, {0.3, 1.0, 2}, {0.32, -0.6, 1}, {0.34, 0.5, 1}})}}};
  EXPECT_EQ(strengths(groups, {0.1, 0.35, 0.4, 0.5, 0.6, 0.7}),
            (std::vector{0.2, 1.0, 1.0, -0.6, 0.5, 0.5}));
}

TEST(HookSchedule, OneSigmaIsOneStepHoweverOftenItIsAsked) {
  const HookGroups groups = {{"h", {hook({{0.1, 1.0, 2}, {0.1, 0.5, 1}})}}};
  EXPECT_EQ(strengths(groups, {0.2, 0.2, 0.2, 0.3, 0.4}), (std::vector{1.0, 1.0, 1.0, 1.0, 0.5}));
}

TEST(HookSchedule, WhatStartedBeforeTheRunIsNotGuaranteed) {
  const HookGroups groups = {{"h", {hook({{0.1, 1.0, 5}, {0.2, 0.5, 5}, {0.6, 0.1, 5}})}}};
  EXPECT_EQ(strengths(groups, {0.5, 0.65}, 0.5), (std::vector{0.5, 0.1}));
  EXPECT_EQ(strengths(groups, {0.15, 0.5, 0.65}), (std::vector{1.0, 1.0, 1.0}));
}

TEST(HookSchedule, GroupsAreCombinedAndEachHookCountsOnce) {
  const HookGroups groups = {{"h", {hook({}), hook({}, 0.5)}}, {"k", {hook({}, 0.2)}}};
  HookSchedule schedule(groups, models::Prediction{SigmaParameters{}}, {10.0F, 0.0F});
  const auto found = schedule.at({"k", "h", "k"}, 5.0F);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].strength, 0.2);
  EXPECT_EQ(found[1].strength, 1.0);
  EXPECT_TRUE(schedule.at({}, 5.0F).empty());
}

}  // namespace
}  // namespace tandem::coordinator
