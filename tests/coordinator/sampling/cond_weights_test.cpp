#include "coordinator/conditioning/cond_weights.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kShape[] = {2, 4, 24, 16};

ResolvedCond cond_over(LatentArea area, float strength = 1.0F) {
  ResolvedCond cond;
  cond.area = area;
  cond.strength = strength;
  return cond;
}

at::Tensor weight_of(const ResolvedCond& cond,
                     const std::optional<LatentWindow>& window = std::nullopt) {
  return share_of(cond, kShape, window).weight;
}

TEST(CondWeights, WithoutAreaOrMaskItIsTheStrength) {
  ResolvedCond cond;
  cond.strength = 0.25F;
  EXPECT_EQ(weight_of(cond).numel(), 1);
  EXPECT_EQ(weight_of(cond).item<float>(), 0.25F);
}

// 12 rows fade over 12 / 4 = 3 cells at both ends; 8 columns over 2, at the left alone.
TEST(CondWeights, AreasFadeWhereTheyDoNotTouchTheEdge) {
  const at::Tensor weight = weight_of(cond_over({12, 8, 4, 8}, 6.0F))[0][0];
  ASSERT_EQ(weight.sizes().vec(), (std::vector<std::int64_t>{12, 8}));
  const at::Tensor rows =
      at::tensor({2.0F, 4.0F, 6.0F, 6.0F, 6.0F, 6.0F, 6.0F, 6.0F, 6.0F, 6.0F, 4.0F, 2.0F});
  const at::Tensor columns = at::tensor({0.5F, 1.0F, 1.0F, 1.0F, 1.0F, 1.0F, 1.0F, 1.0F});
  EXPECT_TRUE(at::allclose(weight, rows.unsqueeze(1) * columns));
}

TEST(CondWeights, TheFadeIsAtMostEightCells) {
  const at::Tensor weight = share_of(cond_over({80, 8, 8, 0}), {1, 4, 96, 8}, std::nullopt).weight;
  const at::Tensor first_column = weight.flatten(0, 2).select(1, 0);
  EXPECT_FLOAT_EQ(first_column[0].item<float>(), 0.125F);
  EXPECT_FLOAT_EQ(first_column[7].item<float>(), 1.0F);
  EXPECT_FLOAT_EQ(first_column[79].item<float>(), 0.125F);
}

TEST(CondWeights, AnAreaIsCutAtTheEdgeAndThenDoesNotFadeThere) {
  const CondShare share = share_of(cond_over({20, 16, 10, 0}), kShape, std::nullopt);
  EXPECT_EQ(share.region.area, (LatentArea{14, 16, 10, 0}));
  EXPECT_EQ(share.weight[0][0][13][0].item<float>(), 1.0F);
  EXPECT_LT(share.weight[0][0][0][0].item<float>(), 1.0F);
}

TEST(CondWeights, AMaskReplacesTheFade) {
  ResolvedCond cond = cond_over({12, 8, 4, 8}, 2.0F);
  cond.mask = at::arange(24.0F).reshape({1, 1, 24, 1}).expand({1, 1, 24, 16});
  cond.mask_strength = 0.5;
  const at::Tensor weight = weight_of(cond);
  EXPECT_TRUE(at::equal(weight, cond.mask.narrow(2, 4, 12).narrow(3, 8, 8)));
}

TEST(CondWeights, AMasksRowsAreForItems) {
  ResolvedCond cond;
  cond.mask = at::arange(3.0F).reshape({3, 1, 1, 1}).expand({3, 1, 24, 16});
  EXPECT_EQ(weight_of(cond).size(0), 2);
  cond.mask = cond.mask.narrow(0, 0, 1);
  EXPECT_EQ(weight_of(cond).size(0), 1);
}

TEST(CondWeights, WindowsOfItemsTakeTheirRowsWhereEachHasOne) {
  ResolvedCond cond;
  cond.mask = at::arange(2.0F).reshape({2, 1, 1, 1}).expand({2, 1, 24, 16});
  const LatentWindow second = {0, {1}};
  EXPECT_EQ(weight_of(cond, second).flatten()[0].item<float>(), 1.0F);
  cond.mask = at::arange(3.0F).reshape({3, 1, 1, 1}).expand({3, 1, 24, 16});
  EXPECT_EQ(weight_of(cond, second).flatten()[0].item<float>(), 0.0F);
}

TEST(CondWeights, AWindowOfRowsTakesTheMasksRowsAndCountsAreasWithinItself) {
  ResolvedCond cond = cond_over({12, 16, 2, 0});
  const LatentWindow window = {2, {20, 21, 22, 23}};
  EXPECT_EQ(share_of(cond, kShape, window).region.area, (LatentArea{2, 16, 2, 0}));
  cond.mask = at::arange(24.0F).reshape({1, 1, 24, 1}).expand({1, 1, 24, 16});
  EXPECT_EQ(weight_of(cond, window)[0][0][0][0].item<float>(), 22.0F);
  EXPECT_THROW(share_of(cond_over({8, 8, 4, 0}), kShape, window), Error);
}

TEST(CondWeights, WhatIsLeftIsNeverBelowNothing) {
  ResolvedCond strong = cond_over({24, 8, 0, 0}, 3.0F);
  const CondShare left = share_of(strong, kShape, std::nullopt);
  const at::Tensor rest = uncovered_weight({&left}, kShape);
  ASSERT_EQ(rest.sizes().vec(), (std::vector<std::int64_t>{2, 1, 24, 16}));
  EXPECT_EQ(rest.min().item<float>(), 0.0F);
  EXPECT_TRUE(at::equal(rest.narrow(3, 8, 8), at::ones({2, 1, 24, 8})));
  const CondShare all = share_of(ResolvedCond(), kShape, std::nullopt);
  EXPECT_FALSE(uncovered_weight({&left, &all}, kShape).defined());
  EXPECT_TRUE(at::equal(uncovered_weight({}, kShape), at::ones({2, 1, 24, 16})));
}

}  // namespace
}  // namespace tandem::coordinator
