#include "coordinator/conditioning/inpaint_channels.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kShape[] = {2, 4, 6, 8};

InpaintSources sources() {
  InpaintSources given;
  given.latent = at::randn(kShape);
  return given;
}

at::Tensor make(const InpaintSources& given) {
  return make_inpaint_channels(given, LatentFormat());
}

TEST(InpaintChannels, WithoutAMaskAllIsToBePaintedOverGrey) {
  const at::Tensor channels = make(sources());
  ASSERT_EQ(channels.sizes().vec(), (std::vector<std::int64_t>{2, 5, 6, 8}));
  const at::Tensor expected = at::tensor({1.0F, 0.8223F, -0.6876F, 0.6364F, 0.1380F});
  EXPECT_TRUE(at::equal(channels, expected.reshape({1, 5, 1, 1}).expand_as(channels)));
}

TEST(InpaintChannels, TheJobsMaskStandsInForTheConds) {
  InpaintSources given = sources();
  given.noise_mask = at::rand({1, 1, 12, 16});
  const at::Tensor channels = make(given);
  const at::Tensor small = at::upsample_bilinear2d(given.noise_mask, {6, 8}, false);
  EXPECT_TRUE(at::equal(channels.select(1, 0), small.round().expand({2, 1, 6, 8}).select(1, 0)));
  EXPECT_TRUE(at::equal(channels.narrow(1, 1, 4), given.latent));
  given.concat_mask = at::ones({1, 1, 6, 8});
  EXPECT_TRUE(at::equal(make(given).select(1, 0), at::ones({2, 6, 8})));
}

TEST(InpaintChannels, AGivenLatentGoesIntoTheSamplersSpace) {
  InpaintSources given = sources();
  given.concat_mask = at::zeros({1, 1, 6, 8});
  given.concat_latent_image = at::randn({1, 4, 6, 8});
  const at::Tensor kept = make(given).narrow(1, 1, 4);
  EXPECT_TRUE(at::allclose(kept[0], given.concat_latent_image[0] * 0.18215));
  EXPECT_TRUE(at::equal(kept[0], kept[1]));
}

// 12 by 8 cells for a latent of 6 by 8: two rows of the shape 8 / 6 fit into 8 columns.
TEST(InpaintChannels, OtherShapesAreCutInTheirMiddle) {
  InpaintSources given = sources();
  given.concat_mask = at::zeros({1, 1, 12, 8});
  given.concat_mask.narrow(2, 3, 6).fill_(1);
  EXPECT_TRUE(at::equal(make(given).select(1, 0), at::ones({2, 6, 8})));
}

TEST(InpaintChannels, RowsAreSpreadOverTheBatch) {
  InpaintSources given = sources();
  given.concat_mask = at::tensor({0.0F, 1.0F, 1.0F, 0.0F, 1.0F}).reshape({5, 1, 1, 1});
  given.concat_mask = given.concat_mask.expand({5, 1, 6, 8});
  const at::Tensor mask = make(given).select(1, 0);  // rows 0 and 4
  EXPECT_EQ(mask[0].sum().item<float>(), 0.0F);
  EXPECT_EQ(mask[1].sum().item<float>(), 48.0F);
}

}  // namespace
}  // namespace tandem::coordinator
