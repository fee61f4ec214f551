#include "coordinator/sampling/latent.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

TEST(Latent, EmptyOnesRoundDownToCells) {
  const at::Tensor latent = make_empty_latent({130, 199, 2, {}}, {});
  EXPECT_EQ(latent.sizes(), (at::IntArrayRef{2, 4, 24, 16}));
  EXPECT_EQ(latent.count_nonzero().item<int>(), 0);
}

TEST(Latent, EmptyOnesAreLimited) {
  EXPECT_THROW(make_empty_latent({7, 64, 1, {}}, {}), Error);
  EXPECT_THROW(make_empty_latent({64, 64, 0, {}}, {}), Error);
  EXPECT_THROW(make_empty_latent({16384, 16384, 4096, {}}, {}), Error);
}

TEST(Latent, AZeroOneTakesTheModelsChannels) {
  LatentFormat format;
  format.channels = 16;
  EXPECT_EQ(fix_latent(at::zeros({1, 4, 2, 3}), format).sizes(), (at::IntArrayRef{1, 16, 2, 3}));
  EXPECT_THROW(fix_latent(at::ones({1, 4, 2, 3}), format), Error);
  EXPECT_THROW(fix_latent(at::ones({4, 2, 3}), format), Error);
}

TEST(Latent, GoesIntoTheSamplersSpaceAndBack) {
  LatentFormat format;
  format.scale = 0.5;
  format.shift = 2.0;
  const at::Tensor latent = at::full({1, 4, 2, 2}, 6.0F);
  EXPECT_TRUE(process_latent_in(latent, format).equal(at::full({1, 4, 2, 2}, 2.0F)));
  EXPECT_TRUE(process_latent_out(process_latent_in(latent, format), format).equal(latent));
}

TEST(Latent, AnEmptyOneIsNotShifted) {
  LatentFormat format;
  format.shift = 2.0;
  EXPECT_TRUE(process_latent_in(at::zeros({1, 4, 2, 2}), format).equal(at::zeros({1, 4, 2, 2})));
}

}  // namespace
}  // namespace tandem::coordinator
