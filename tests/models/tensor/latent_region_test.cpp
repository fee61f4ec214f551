#include "models/tensor/latent_region.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tandem::models {
namespace {

using Shape = std::vector<std::int64_t>;

const at::Tensor kLatent = at::arange(2 * 3 * 4 * 5, at::kFloat).reshape({2, 3, 4, 5});

TEST(LatentRegion, AWindowTakesItsIndicesInTheirOrder) {
  const at::Tensor rows = take_window(kLatent, {2, {3, 0}});
  EXPECT_TRUE(at::equal(rows.select(2, 0), kLatent.select(2, 3)));
  EXPECT_TRUE(at::equal(rows.select(2, 1), kLatent.select(2, 0)));
}

TEST(LatentRegion, AWindowOfNeighboursIsAView) {
  const at::Tensor latent = kLatent.clone();
  take_window(latent, {2, {1, 2}}).fill_(-1);
  EXPECT_TRUE(at::equal(latent.select(2, 2), at::full({2, 3, 5}, -1)));
  take_window(latent, {2, {2, 1}}).fill_(-2);
  EXPECT_TRUE(at::equal(latent.select(2, 2), at::full({2, 3, 5}, -1)));
}

TEST(LatentRegion, AnAreaCountsWithinTheWindow) {
  const LatentRegion region = {LatentWindow{2, {1, 2, 3}}, LatentArea{2, 3, 1, 2}};
  EXPECT_TRUE(at::equal(crop(kLatent, region), kLatent.narrow(2, 2, 2).narrow(3, 2, 3)));
  EXPECT_TRUE(at::equal(crop(kLatent, {}), kLatent));
}

TEST(LatentRegion, AnItemIsOneOfWhatIsLeft) {
  const LatentRegion region = {LatentWindow{0, {1, 0}}, LatentArea{2, 3, 1, 2}, 0};
  EXPECT_TRUE(
      at::equal(crop(kLatent, region), kLatent.narrow(0, 1, 1).narrow(2, 1, 2).narrow(3, 2, 3)));
}

TEST(LatentRegion, AnAreaIsAView) {
  const at::Tensor latent = at::zeros({1, 1, 4, 4});
  narrow_to(latent, {1, 2, 3, 0}).fill_(1);
  EXPECT_EQ(latent.sum().item<float>(), 2.0F);
}

TEST(LatentRegion, ShapesAreThoseOfTheCrop) {
  const std::vector<LatentRegion> regions = {{},
                                             {LatentWindow{0, {1, 0, 1}}, std::nullopt},
                                             {LatentWindow{3, {4}}, std::nullopt},
                                             {std::nullopt, LatentArea{2, 3, 1, 2}},
                                             {std::nullopt, std::nullopt, 1},
                                             {LatentWindow{2, {0, 3}}, LatentArea{1, 5, 1, 0}}};
  for (const LatentRegion& region : regions) {
    EXPECT_EQ(cropped_shape(kLatent.sizes(), region), crop(kLatent, region).sizes().vec());
  }
}

}  // namespace
}  // namespace tandem::models
