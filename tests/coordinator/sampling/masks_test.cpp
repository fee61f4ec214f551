#include "coordinator/conditioning/masks.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

using Shape = std::vector<std::int64_t>;

TEST(Masks, AllFormsBecomeOne) {
  EXPECT_EQ(as_mask(at::zeros({6, 4}), "m").sizes().vec(), (Shape{1, 1, 6, 4}));
  EXPECT_EQ(as_mask(at::zeros({3, 6, 4}), "m").sizes().vec(), (Shape{3, 1, 6, 4}));
  EXPECT_EQ(as_mask(at::zeros({3, 1, 6, 4}), "m").sizes().vec(), (Shape{3, 1, 6, 4}));
  EXPECT_THROW(as_mask(at::zeros({3, 2, 6, 4}), "m"), Error);
  EXPECT_THROW(as_mask(at::zeros({4}), "m"), Error);
}

// Bilinear between cell middles: the cells of a row of 2 that becomes 4 lie at -1/4, 1/4, 3/4, 5/4.
TEST(Masks, ResizedBetweenCellMiddles) {
  const at::Tensor mask = at::tensor({0.0F, 1.0F}).reshape({1, 1, 1, 2});
  const at::Tensor wide = resize_mask(mask, {1, 4, 1, 4});
  EXPECT_TRUE(at::equal(wide.flatten(), at::tensor({0.0F, 0.25F, 0.75F, 1.0F})));
  EXPECT_TRUE(resize_mask(mask, {1, 4, 1, 2}).is_same(mask));
}

TEST(Masks, BoundsHoldAllRowsAndAtLeastEightCells) {
  at::Tensor mask = at::zeros({2, 1, 24, 16});
  EXPECT_EQ(bounds_of(mask), (LatentArea{8, 8, 0, 0}));
  mask[0][0][3][5] = 1.0;
  EXPECT_EQ(bounds_of(mask), (LatentArea{8, 8, 3, 5}));
  mask[1][0][20][6] = -0.5;
  EXPECT_EQ(bounds_of(mask), (LatentArea{18, 8, 3, 5}));
}

}  // namespace
}  // namespace tandem::coordinator
