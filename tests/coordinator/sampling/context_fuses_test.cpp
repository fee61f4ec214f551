#include "coordinator/sampling/context/context_fuses.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "protocol/job/names.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kShape[] = {1, 2, 4, 3};

FusedWindow window_of(std::vector<std::int64_t> indices, float value, const at::Tensor& weights) {
  const auto length = static_cast<std::int64_t>(indices.size());
  return {{2, std::move(indices)}, at::full({1, 2, length, 3}, value), weights};
}

// The value of each row; all else is constant.
at::Tensor rows_of(const at::Tensor& latent) {
  EXPECT_TRUE(
      at::equal(latent, latent.select(1, 0).select(2, 0).reshape({1, 1, 4, 1}).expand_as(latent)));
  return latent.select(1, 0).select(2, 0).flatten();
}

TEST(ContextFuses, AllNamesOfTheFormatAreThere) {
  ASSERT_EQ(context_fuses().size(), job::kContextFuses.size());
  for (const std::string_view name : job::kContextFuses)
    EXPECT_EQ(find_context_fuse(name).name, name);
  EXPECT_THROW(find_context_fuse("linear"), Error);
}

TEST(ContextFuses, PyramidsRiseToTheMiddle) {
  const job::Context context;
  EXPECT_TRUE(
      at::equal(pyramid_weights({0, 1, 2, 3}, 9, context), at::tensor({1.F, 2.F, 2.F, 1.F})));
  EXPECT_TRUE(at::equal(pyramid_weights({5, 6, 7}, 9, context), at::tensor({1.F, 2.F, 1.F})));
}

TEST(ContextFuses, LinearRampsAreOnlyWhereThereIsANeighbour) {
  job::Context context;
  context.overlap = 3;
  const at::Tensor both = overlap_linear_weights({1, 2, 3, 4, 5, 6, 7}, 9, context);
  EXPECT_TRUE(at::allclose(both, at::tensor({0.F, .5F, 1.F, 1.F, 1.F, .5F, 0.F})));
  EXPECT_GT(both[0].item<float>(), 0.0F);
  const at::Tensor first = overlap_linear_weights({0, 1, 2, 3}, 9, context);
  EXPECT_TRUE(at::allclose(first, at::tensor({1.F, 1.F, .5F, 0.F})));
  EXPECT_TRUE(at::equal(overlap_linear_weights({0, 1, 2}, 3, context), at::ones({3})));
  EXPECT_THROW(overlap_linear_weights({7, 8}, 9, context), Error);
}

TEST(ContextFuses, WeightsAreNormalisedPerIndex) {
  const std::vector<FusedWindow> windows = {window_of({0, 1, 2}, 1.0F, at::tensor({1.F, 2.F, 1.F})),
                                            window_of({2, 3}, 5.0F, at::tensor({3.F, 3.F}))};
  EXPECT_TRUE(
      at::allclose(rows_of(fuse_weighted(windows, kShape)), at::tensor({1.F, 1.F, 4.F, 5.F})));
}

// Row 2 is the end of one window and the beginning of the other; both have the bias
// 1 - 1 / 1.005 there, below the least one.
TEST(ContextFuses, RelativeIsARunningMeanByDistance) {
  const std::vector<FusedWindow> windows = {window_of({0, 1, 2}, 1.0F, {}),
                                            window_of({2, 3}, 5.0F, {})};
  const at::Tensor rows = rows_of(fuse_relative(windows, kShape));
  EXPECT_TRUE(at::allclose(rows, at::tensor({1.F, 1.F, 3.F, 5.F})));
}

}  // namespace
}  // namespace tandem::coordinator
