#include "coordinator/sampling/noise_mask.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kLatent[] = {3, 4, 2, 2};

TEST(NoiseMask, IsRepeatedOverChannelsAndBatch) {
  const at::Tensor two = at::arange(8, at::kFloat).reshape({2, 2, 2});
  const at::Tensor mask = prepare_noise_mask(two, kLatent);
  ASSERT_EQ(mask.sizes(), at::IntArrayRef(kLatent));
  for (std::int64_t channel = 0; channel < 4; ++channel) {
    EXPECT_TRUE(mask[0][channel].equal(two[0]));
    EXPECT_TRUE(mask[1][channel].equal(two[1]));
    EXPECT_TRUE(mask[2][channel].equal(two[0]));
  }
}

TEST(NoiseMask, MasksTooManyAreCut) {
  const at::Tensor mask = prepare_noise_mask(at::arange(5).reshape({5, 1, 1, 1}), kLatent);
  EXPECT_TRUE(mask.select(1, 0).select(1, 0).select(1, 0).equal(at::tensor({0.0F, 1.0F, 2.0F})));
}

// Bilinear without antialiasing: each cell takes the mean of the four pixels at its middle.
TEST(NoiseMask, IsResizedBilinearly) {
  at::Tensor pixels = at::zeros({8, 8});
  pixels[1][1] = 1.0F;
  const at::Tensor mask = prepare_noise_mask(pixels, kLatent);
  EXPECT_EQ(mask[0][0][0][0].item<float>(), 0.25F);
  EXPECT_EQ(mask[0][0].sum().item<float>(), 0.25F);
}

TEST(NoiseMask, OtherShapesAreRefused) {
  EXPECT_THROW(prepare_noise_mask(at::zeros({4}), kLatent), Error);
  EXPECT_THROW(prepare_noise_mask(at::zeros({1, 2, 4, 4}), kLatent), Error);
  EXPECT_THROW(prepare_noise_mask(at::zeros({0, 4, 4}), kLatent), Error);
}

// Predicts 5 everywhere, and remembers its input.
class Five : public Denoiser {
 public:
  GuidedPrediction predict(const at::Tensor& x, float) override {
    seen = x;
    return {at::full_like(x, 5.0), at::full_like(x, -5.0)};
  }

  at::Tensor seen;
};

TEST(MaskedDenoiser, KeepsTheLatentWhereTheMaskIsZero) {
  const models::Prediction eps((SigmaParameters()));
  Five inner;
  const at::Tensor mask = at::tensor({1.0F, 0.0F, 0.25F});
  MaskedDenoiser denoise(inner, eps, mask, at::full({3}, 2.0), at::full({3}, 0.5));
  const GuidedPrediction guided = denoise.predict(at::full({3}, 9.0), 4.0F);
  // The kept latent at sigma 4 is 2 + 0.5 * 4.
  EXPECT_TRUE(inner.seen.equal(at::tensor({9.0F, 4.0F, 0.25F * 9 + 0.75F * 4})));
  EXPECT_TRUE(guided.denoised.equal(at::tensor({5.0F, 2.0F, 0.25F * 5 + 0.75F * 2})));
  EXPECT_TRUE(guided.uncond.equal(at::full({3}, -5.0)));
}

TEST(MaskedDenoiser, MixesLikeFlowWhereTheModelIsOne) {
  SigmaParameters parameters;
  parameters.parameterization = Parameterization::kFlow;
  const models::Prediction flow(parameters);
  Five inner;
  MaskedDenoiser denoise(inner, flow, at::zeros({1}), at::full({1}, 2.0), at::full({1}, 6.0));
  denoise.predict(at::zeros({1}), 0.25F);
  EXPECT_EQ(inner.seen.item<float>(), 0.75F * 2 + 0.25F * 6);
}

}  // namespace
}  // namespace tandem::coordinator
