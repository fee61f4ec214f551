#include "coordinator/conditioning/opposite_areas.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

ResolvedCond cond(float text, std::optional<LatentArea> area = std::nullopt) {
  ResolvedCond made;
  made.tensors.context = at::full({1, 1, 1}, text);
  made.area = area;
  return made;
}

float text_of(const ResolvedCond& cond) {
  return cond.tensors.context.item<float>();
}

constexpr LatentArea kSmall = {4, 4, 2, 2};
constexpr LatentArea kMiddle = {8, 8, 0, 0};
constexpr LatentArea kLarge = {16, 16, 0, 0};

TEST(OppositeAreas, ACopyHasTheTextOfTheOtherListAndAllElseOfItsOwn) {
  ResolvedCond with_area = cond(1, kSmall);
  with_area.strength = 3.0F;
  with_area.sigma_end = 2.0F;
  with_area.mask = at::ones({1, 1, 16, 16});
  with_area.hooks = {"h"};
  with_area.tensors.plugin_hooks = {{"wrapper", "p", "{}"}};
  std::vector<CondList> lists = {{ListId::kPositive, {cond(0), with_area}},
                                 {ListId::kNegative, {cond(-1)}}};
  add_opposite_areas(lists);
  EXPECT_EQ(lists[0].conds.size(), 2U);
  ASSERT_EQ(lists[1].conds.size(), 2U);
  const ResolvedCond& copy = lists[1].conds[1];
  EXPECT_EQ(text_of(copy), -1.0F);
  EXPECT_EQ(copy.area, kSmall);
  EXPECT_EQ(copy.strength, 3.0F);
  EXPECT_EQ(copy.sigma_end, 2.0F);
  EXPECT_TRUE(copy.mask.defined());
  EXPECT_EQ(copy.hooks, with_area.hooks);
  EXPECT_EQ(copy.tensors.plugin_hooks, with_area.tensors.plugin_hooks);
}

TEST(OppositeAreas, TheSmallestAreaAroundGivesTheText) {
  std::vector<CondList> lists = {
      {ListId::kPositive, {cond(0, kSmall)}},
      {ListId::kNegative,
       {cond(-1), cond(-2, kLarge), cond(-3, kMiddle), cond(-4, LatentArea{2, 2, 2, 2})}}};
  add_opposite_areas(lists);
  ASSERT_EQ(lists[1].conds.size(), 5U);
  EXPECT_EQ(text_of(lists[1].conds[4]), -3.0F);
}

TEST(OppositeAreas, NothingIsAddedForTheSameAreaOrWhereNoneIsAround) {
  std::vector<CondList> same = {{ListId::kPositive, {cond(0, kSmall)}},
                                {ListId::kNegative, {cond(-1), cond(-2, kSmall)}}};
  add_opposite_areas(same);
  EXPECT_EQ(same[0].conds.size() + same[1].conds.size(), 3U);
  std::vector<CondList> none = {{ListId::kPositive, {cond(0, kLarge)}},
                                {ListId::kNegative, {cond(-1, kSmall)}},
                                {ListId::kMiddle, {}}};
  add_opposite_areas(none);
  EXPECT_EQ(none[1].conds.size(), 1U);
  EXPECT_TRUE(none[2].conds.empty());
  EXPECT_EQ(none[0].conds.size(), 2U);  // the negative's small area lies in the large one
}

TEST(OppositeAreas, CopiesAreCopiedOnToLaterLists) {
  std::vector<CondList> lists = {{ListId::kPositive, {cond(0), cond(1, kMiddle)}},
                                 {ListId::kMiddle, {cond(2)}},
                                 {ListId::kNegative, {cond(3, kSmall)}}};
  add_opposite_areas(lists);
  // Only the negative's own area reaches the lists before it; none of its conds holds kMiddle.
  EXPECT_EQ(lists[2].conds.size(), 1U);
  ASSERT_EQ(lists[0].conds.size(), 3U);
  ASSERT_EQ(lists[1].conds.size(), 3U);
  EXPECT_EQ(text_of(lists[0].conds[2]), 1.0F);  // the smallest around: kMiddle
  EXPECT_EQ(text_of(lists[1].conds[2]), 2.0F);  // its copy of kMiddle has the middle's text
}

}  // namespace
}  // namespace tandem::coordinator
