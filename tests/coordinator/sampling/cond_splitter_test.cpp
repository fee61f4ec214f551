#include "coordinator/units/cond_splitter.hpp"

#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr float kAlways = std::numeric_limits<float>::infinity();

PlacedCond placed(ListId list, std::size_t id, float strength = 1.0F, float start = kAlways,
                  float end = 0.0F) {
  ResolvedCond cond;
  cond.strength = strength;
  cond.sigma_start = start;
  cond.sigma_end = end;
  return {list, id, cond};
}

const std::vector<ListId> kBoth = {ListId::kPositive, ListId::kNegative};

at::Tensor latent(float value) {
  return at::full({1, 1, 2, 2}, value);
}

// What a runner returns for a call: per cond a constant picture.
at::Tensor result(std::initializer_list<float> values) {
  std::vector<at::Tensor> pictures;
  for (const float value : values)
    pictures.push_back(latent(value));
  return at::stack(pictures);
}

TEST(CondSplitter, CallsAreInTheGroupsOrder) {
  const CondSplitter splitter(
      {placed(ListId::kPositive, 7), placed(ListId::kPositive, 8), placed(ListId::kNegative, 9)},
      {{0, 2}, {1}});
  const CondPlan plan = splitter.split(kBoth, latent(0), 5.0F);
  ASSERT_EQ(plan.calls.size(), 2U);
  EXPECT_EQ(plan.calls[0].conds, (std::vector<std::size_t>{7, 9}));
  EXPECT_EQ(plan.calls[1].conds, (std::vector<std::size_t>{8}));
  EXPECT_EQ(plan.calls[0].sigma, 5.0F);
}

TEST(CondSplitter, InactiveCondsAreLeftOutButNotRegrouped) {
  const CondSplitter splitter(
      {placed(ListId::kPositive, 0, 1.0F, kAlways, 3.0F),
       placed(ListId::kPositive, 1, 1.0F, 3.0F, 0.0F), placed(ListId::kNegative, 2)},
      {{0, 1}, {2}});
  const auto conds_at = [&](float sigma) {
    return splitter.split(kBoth, latent(0), sigma).calls[0].conds;
  };
  EXPECT_EQ(conds_at(5.0F), (std::vector<std::size_t>{0}));
  EXPECT_EQ(conds_at(3.0F), (std::vector<std::size_t>{0, 1}));  // both ends belong to the range
  EXPECT_EQ(conds_at(1.0F), (std::vector<std::size_t>{1}));
}

TEST(CondSplitter, ListsThatAreNotAskedForAreLeftOut) {
  const CondSplitter splitter({placed(ListId::kPositive, 0), placed(ListId::kNegative, 1)},
                              {{0}, {1}});
  const std::vector<ListId> positive = {ListId::kPositive};
  EXPECT_EQ(splitter.split(positive, latent(0), 1.0F).calls.size(), 1U);
}

TEST(CondSplitter, StrengthsWeighWithinAList) {
  const CondSplitter splitter(
      {placed(ListId::kPositive, 0, 1.0F), placed(ListId::kPositive, 1, 3.0F),
       placed(ListId::kNegative, 2, 0.25F)},
      {{0, 1, 2}});
  const CondPlan plan = splitter.split(kBoth, latent(0), 1.0F);
  const auto merged = splitter.merge(kBoth, plan, std::vector{result({8, 4, 6})});
  ASSERT_EQ(merged.size(), 2U);
  EXPECT_TRUE(merged[0].equal(latent(5.0F)));  // (8 + 3 * 4) / 4
  EXPECT_TRUE(merged[1].equal(latent(6.0F)));  // a lone strength cancels out
}

TEST(CondSplitter, WeightsAreThoseOfTheCondsThatAreActive) {
  const CondSplitter splitter(
      {placed(ListId::kPositive, 0, 1.0F), placed(ListId::kPositive, 1, 3.0F, kAlways, 4.0F),
       placed(ListId::kPositive, 2, 1.0F, 3.0F, 0.0F)},
      {{0}, {1}, {2}});
  const std::vector<ListId> positive = {ListId::kPositive};
  const auto merged_at = [&](float sigma) {
    const CondPlan plan = splitter.split(positive, latent(0), sigma);
    return splitter.merge(positive, plan, std::vector{result({8}), result({4})}).front();
  };
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(merged_at(5.0F).equal(latent(5.0F)));  // (8 + 3 * 4) / 4
    EXPECT_TRUE(merged_at(5.0F).equal(latent(5.0F)));
    EXPECT_TRUE(merged_at(2.0F).equal(latent(6.0F)));  // (8 + 4) / 2
  }
}

TEST(CondSplitter, AListWithNothingActivePredictsZero) {
  const CondSplitter splitter({placed(ListId::kPositive, 0, 1.0F, 2.0F)}, {{0}});
  const CondPlan plan = splitter.split(kBoth, latent(0), 5.0F);
  EXPECT_TRUE(plan.calls.empty());
  for (const at::Tensor& list : splitter.merge(kBoth, plan, {})) {
    EXPECT_TRUE(list.equal(latent(0)));
  }
}

TEST(CondSplitter, ResultsOfAnotherShapeAreRefused) {
  const CondSplitter splitter({placed(ListId::kPositive, 0)}, {{0}});
  const CondPlan plan = splitter.split(kBoth, latent(0), 1.0F);
  EXPECT_THROW(splitter.merge(kBoth, plan, std::vector{latent(0)}), Error);
  EXPECT_THROW(splitter.merge(kBoth, plan, {}), Error);
}

TEST(CondSplitter, ItemsOfABatchMayBeCallsOfTheirOwn) {
  const CondSplitter splitter({placed(ListId::kPositive, 0), placed(ListId::kNegative, 1)},
                              {{0, 1}}, true);
  const CondPlan plan = splitter.split(kBoth, at::zeros({3, 1, 2, 2}), 1.0F);
  ASSERT_EQ(plan.calls.size(), 3U);
  for (std::size_t item = 0; item < 3; ++item) {
    EXPECT_EQ(plan.calls[item].region.item, static_cast<std::int64_t>(item));
    EXPECT_EQ(plan.calls[item].conds, (std::vector<std::size_t>{0, 1}));
  }
  const auto merged =
      splitter.merge(kBoth, plan, std::vector{result({1, 4}), result({2, 5}), result({3, 6})});
  for (int item = 0; item < 3; ++item) {
    EXPECT_TRUE(merged[0][item].equal(latent(static_cast<float>(item + 1))[0]));
    EXPECT_TRUE(merged[1][item].equal(latent(static_cast<float>(item + 4))[0]));
  }
}

TEST(CondSplitter, ABatchOfOneIsNotSplit) {
  const CondSplitter splitter({placed(ListId::kPositive, 0)}, {{0}}, true);
  EXPECT_EQ(splitter.split(kBoth, latent(0), 1.0F).calls[0].region, LatentRegion());
}

TEST(CondSplitter, ItemsAreThoseOfTheWindow) {
  const CondSplitter splitter({placed(ListId::kPositive, 0)}, {{0}}, true);
  const LatentWindow window = {0, {4, 0}};
  const CondPlan plan = splitter.split(kBoth, at::zeros({5, 1, 2, 2}), 1.0F, window);
  ASSERT_EQ(plan.calls.size(), 2U);
  EXPECT_EQ(plan.calls[1].region, (LatentRegion{window, std::nullopt, 1}));
}

// A cond over the right column of the 2 by 2 cells.
PlacedCond placed_right(ListId list, std::size_t id) {
  PlacedCond right = placed(list, id);
  right.cond.area = LatentArea{2, 1, 0, 1};
  return right;
}

at::Tensor cells(std::initializer_list<float> values) {
  return at::tensor(values).reshape({1, 1, 2, 2});
}

TEST(CondSplitter, AnAreaIsAUnitOfItsOwnPart) {
  const CondSplitter splitter({placed(ListId::kPositive, 0), placed_right(ListId::kPositive, 1)},
                              {{0}, {1}});
  const CondPlan plan = splitter.split(kBoth, latent(0), 1.0F);
  EXPECT_EQ(plan.calls[0].region, LatentRegion());
  EXPECT_EQ(plan.calls[1].region.area, (LatentArea{2, 1, 0, 1}));
  const auto merged =
      splitter.merge(kBoth, plan, std::vector{result({4}), at::full({1, 1, 1, 2, 1}, 8.0F)});
  EXPECT_TRUE(merged[0].equal(cells({4, 6, 4, 6})));
}

TEST(CondSplitter, CellsThatNothingCoversPredictZero) {
  const CondSplitter splitter({placed_right(ListId::kPositive, 0)}, {{0}});
  const CondPlan plan = splitter.split(kBoth, latent(0), 1.0F);
  const auto merged = splitter.merge(kBoth, plan, std::vector{at::full({1, 1, 1, 2, 1}, 8.0F)});
  EXPECT_TRUE(merged[0].equal(cells({0, 8, 0, 8})));
}

TEST(CondSplitter, DefaultCondsGetWhatTheOthersLeave) {
  PlacedCond fallback = placed(ListId::kPositive, 1, 5.0F);
  fallback.cond.is_default = true;
  const CondSplitter splitter({placed_right(ListId::kPositive, 0), fallback}, {{0}, {1}});
  const CondPlan plan = splitter.split(kBoth, latent(0), 1.0F);
  ASSERT_EQ(plan.calls.size(), 2U);
  const auto merged =
      splitter.merge(kBoth, plan, std::vector{at::full({1, 1, 1, 2, 1}, 8.0F), result({3})});
  EXPECT_TRUE(merged[0].equal(cells({3, 8, 3, 8})));
}

TEST(CondSplitter, DefaultCondsThatNothingIsLeftToAreNotRun) {
  PlacedCond fallback = placed(ListId::kPositive, 1);
  fallback.cond.is_default = true;
  // Alone above sigma 3; below it the other covers all.
  const CondSplitter splitter({placed(ListId::kPositive, 0, 1.0F, 3.0F), fallback}, {{0, 1}});
  EXPECT_EQ(splitter.split(kBoth, latent(0), 2.0F).calls[0].conds, (std::vector<std::size_t>{0}));
  EXPECT_EQ(splitter.split(kBoth, latent(0), 5.0F).calls[0].conds, (std::vector<std::size_t>{1}));
}

TEST(CondSplitter, AWindowIsPredictedInItsOwnShape) {
  const CondSplitter splitter({placed(ListId::kPositive, 0), placed_right(ListId::kPositive, 1)},
                              {{0}, {1}});
  const LatentWindow window = {2, {1}};
  const CondPlan plan = splitter.split(kBoth, latent(0), 1.0F, window);
  EXPECT_EQ(plan.calls[1].region, (LatentRegion{window, LatentArea{1, 1, 0, 1}}));
  const auto merged = splitter.merge(
      kBoth, plan, std::vector{at::full({1, 1, 1, 1, 2}, 4.0F), at::full({1, 1, 1, 1, 1}, 8.0F)});
  EXPECT_TRUE(merged[0].equal(at::tensor({4.0F, 6.0F}).reshape({1, 1, 1, 2})));
}

}  // namespace
}  // namespace tandem::coordinator
