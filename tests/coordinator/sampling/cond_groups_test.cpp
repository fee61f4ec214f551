#include "coordinator/conditioning/cond_groups.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

using Groups = std::vector<std::vector<std::size_t>>;

CondShape tokens(std::int64_t count) {
  return {count, 32, 0};
}

TEST(LargestGroup, ExactIsAlwaysOne) {
  EXPECT_EQ(largest_group(job::Batching::kExact, 4, 1, "cpu"), 1U);
}

TEST(LargestGroup, AutoSpreadsOverTheWorkers) {
  EXPECT_EQ(largest_group(job::Batching::kAuto, 2, 1, "cpu"), 2U);
  EXPECT_EQ(largest_group(job::Batching::kAuto, 2, 2, "cpu"), 1U);
  EXPECT_EQ(largest_group(job::Batching::kAuto, 3, 2, "cpu"), 2U);
  EXPECT_EQ(largest_group(job::Batching::kAuto, 2, 8, "cpu"), 1U);
  EXPECT_EQ(largest_group(job::Batching::kAuto, 2, 0, "cpu"), 2U);
  EXPECT_EQ(largest_group(job::Batching::kAuto, 0, 2, "cpu"), 1U);
}

TEST(LargestGroup, TheTableLimitsAndAnUnknownKindSharesNothing) {
  EXPECT_EQ(largest_group(job::Batching::kAuto, 100, 1, "cpu"), kBatchingTable[0].largest_group);
  EXPECT_EQ(largest_group(job::Batching::kAuto, 100, 1, "npu"), 1U);
}

TEST(GroupConds, EqualShapesFillGroupsInOrder) {
  const std::vector<CondShape> conds(5, tokens(77));
  EXPECT_EQ(group_conds(conds, 2), (Groups{{0, 1}, {2, 3}, {4}}));
  EXPECT_EQ(group_conds(conds, 1), (Groups{{0}, {1}, {2}, {3}, {4}}));
  EXPECT_EQ(group_conds({}, 4), Groups{});
}

TEST(GroupConds, TokenCountsMayGrowFourfold) {
  EXPECT_EQ(group_conds(std::vector{tokens(77), tokens(154)}, 4), (Groups{{0, 1}}));
  EXPECT_EQ(group_conds(std::vector{tokens(16), tokens(24)}, 4), (Groups{{0, 1}}));
  EXPECT_EQ(group_conds(std::vector{tokens(7), tokens(40)}, 4), (Groups{{0}, {1}}));
  EXPECT_EQ(group_conds(std::vector{tokens(77), tokens(385)}, 4), (Groups{{0}, {1}}));
}

// 12 with 16 and 12 with 18 would do; the three together need 144 tokens.
TEST(GroupConds, TheWholeGroupCountsNotPairs) {
  EXPECT_EQ(group_conds(std::vector{tokens(12), tokens(16), tokens(18)}, 4), (Groups{{0, 1}, {2}}));
}

TEST(GroupConds, OtherKindsStayApart) {
  const std::vector<CondShape> conds = {{77, 32, 0}, {77, 64, 0}, {77, 32, 16}, {77, 32, 0}};
  EXPECT_EQ(group_conds(conds, 4), (Groups{{0, 3}, {1}, {2}}));
}

TEST(GroupConds, OtherAreasStayApart) {
  const std::optional<LatentArea> left = LatentArea{8, 8, 0, 0};
  const std::optional<LatentArea> right = LatentArea{8, 8, 0, 8};
  const std::vector<CondShape> conds = {
      {77, 32, 0}, {77, 32, 0, left}, {77, 32, 0, right}, {77, 32, 0, left}};
  EXPECT_EQ(group_conds(conds, 4), (Groups{{0}, {1, 3}, {2}}));
}

TEST(GroupConds, OtherPluginHooksStayApart) {
  const PluginHook a{"wrapper", "p", R"({"a": 1})"}, b{"wrapper", "p", R"({"a": 2})"};
  std::vector<CondShape> conds(5, {77, 32, 0});
  conds[0].plugin_hooks = conds[3].plugin_hooks = {a};
  conds[2].plugin_hooks = {b};
  conds[4].plugin_hooks = {a, b};
  EXPECT_EQ(group_conds(conds, 4), (Groups{{0, 3}, {1}, {2}, {4}}));
}

TEST(GroupConds, ShapesAreRead) {
  ResolvedCond cond;
  cond.tensors.context = at::zeros({3, 77, 32});
  EXPECT_EQ(shape_of(cond), (CondShape{77, 32, 0}));
  cond.tensors.pooled = at::zeros({1, 16});
  cond.area = LatentArea{8, 8, 0, 8};
  EXPECT_EQ(shape_of(cond), (CondShape{77, 32, 16, LatentArea{8, 8, 0, 8}}));
}

TEST(GroupConds, OnePassHasOneSetOfHooks) {
  CondShape hooked = tokens(77);
  hooked.hooks = {"h"};
  EXPECT_EQ(group_conds(std::vector{tokens(77), hooked, tokens(77), hooked}, 4),
            (Groups{{0, 2}, {1, 3}}));
}

}  // namespace
}  // namespace tandem::coordinator
