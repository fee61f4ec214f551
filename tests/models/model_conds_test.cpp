#include "models/model_conds.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/layers/embedding.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

ModelInfo tiny_info(int pooled_width) {
  ModelInfo info;
  info.context_width = 3;
  info.pooled_width = pooled_width;
  return info;
}

PreparedCond prepare(const CondInputs& inputs, const char* family, int pooled_width = 0) {
  return prepare_cond(inputs, *find_family(family), tiny_info(pooled_width), at::kFloat);
}

TEST(PrepareCond, SdxlJoinsPooledAndSizesInOrder) {
  CondInputs inputs;
  inputs.context = at::randn({2, 5, 3});
  inputs.pooled = at::randn({2, 4});
  inputs.sizes = {1024, 768, 48, 16, 896, 640};
  const PreparedCond cond = prepare(inputs, "sdxl", 4);
  ASSERT_TRUE(cond.y.has_value());
  EXPECT_EQ(cond.y->sizes(), (std::vector<std::int64_t>{2, 4 + 6 * 256}));
  EXPECT_TRUE(at::equal(cond.y->narrow(1, 0, 4), inputs.pooled));
  for (std::size_t i = 0; i < 6; ++i) {
    const at::Tensor expected =
        timestep_embedding(at::full({1}, inputs.sizes->at(i), at::kFloat), 256);
    const auto start = 4 + 256 * static_cast<std::int64_t>(i);
    EXPECT_TRUE(at::equal((*cond.y)[1].narrow(0, start, 256), expected[0])) << i;
  }
}

TEST(PrepareCond, SdxlNeedsPooledAndSizes) {
  CondInputs inputs;
  inputs.context = at::randn({1, 5, 3});
  EXPECT_THROW(prepare(inputs, "sdxl", 4), Error);
  inputs.pooled = at::randn({1, 4});
  EXPECT_THROW(prepare(inputs, "sdxl", 4), Error);
  inputs.sizes = {8, 8, 0, 0, 8, 8};
  EXPECT_NO_THROW(prepare(inputs, "sdxl", 4));
  EXPECT_THROW(prepare(inputs, "sdxl", 5), Error);
}

TEST(PrepareCond, AGivenVectorStandsForPooledAndSizes) {
  CondInputs inputs;
  inputs.context = at::randn({1, 5, 3});
  inputs.y = at::randn({2, 4 + 6 * 256});
  EXPECT_TRUE(at::equal(*prepare(inputs, "sdxl", 4).y, inputs.y));
  inputs.y = at::randn({2, 4 + 6 * 256 + 1});
  EXPECT_THROW(prepare(inputs, "sdxl", 4), Error);
}

TEST(PrepareCond, Sd1TakesTheContextAlone) {
  CondInputs inputs;
  inputs.context = at::randn({1, 5, 3});
  inputs.pooled = at::randn({1, 4});
  EXPECT_FALSE(prepare(inputs, "sd15").y.has_value());
  inputs.context = at::randn({1, 5, 4});
  EXPECT_THROW(prepare(inputs, "sd15"), Error);
}

TEST(PrepareCond, InpaintingModelsNeedTheirChannels) {
  ModelInfo info = tiny_info(0);
  info.unet_in_channels = 9;
  CondInputs inputs;
  inputs.context = at::randn({1, 5, 3});
  EXPECT_THROW(prepare_cond(inputs, *find_family("sd15"), info, at::kFloat), Error);
  inputs.concat = at::randn({1, 5, 8, 8});
  EXPECT_TRUE(prepare_cond(inputs, *find_family("sd15"), info, at::kFloat).concat.has_value());
  EXPECT_THROW(prepare(inputs, "sd15"), Error);
}

TEST(JoinContexts, RepeatsTokensToTheLeastCommonMultiple) {
  const PreparedCond two{at::randn({1, 2, 3}), std::nullopt, std::nullopt};
  const PreparedCond three{at::randn({2, 3, 3}), std::nullopt, std::nullopt};
  const std::array<const PreparedCond*, 2> conds = {&two, &three};
  const at::Tensor joined = join_contexts(conds, 2);
  ASSERT_EQ(joined.sizes(), (std::vector<std::int64_t>{4, 6, 3}));
  EXPECT_TRUE(at::equal(joined[1], two.context[0].repeat({3, 1})));
  EXPECT_TRUE(at::equal(joined[3], three.context[1].repeat({2, 1})));
}

TEST(JoinVectors, AllOrNone) {
  const PreparedCond with{at::zeros({1, 1, 3}), at::ones({1, 4}), std::nullopt};
  const PreparedCond without{at::zeros({1, 1, 3}), std::nullopt, std::nullopt};
  const std::array<const PreparedCond*, 2> equal = {&with, &with};
  const std::array<const PreparedCond*, 2> mixed = {&with, &without};
  const std::array<const PreparedCond*, 1> none = {&without};
  EXPECT_EQ(join_vectors(equal, 3)->size(0), 6);
  EXPECT_THROW(join_vectors(mixed, 1), Error);
  EXPECT_FALSE(join_vectors(none, 1).has_value());
}

TEST(JoinConcats, TakesTheRegionBeforeTheBatch) {
  const at::Tensor rows = at::randn({3, 5, 4, 4});
  const PreparedCond cond{at::zeros({1, 1, 3}), std::nullopt, rows};
  const std::array<const PreparedCond*, 2> conds = {&cond, &cond};
  const LatentRegion region = {LatentWindow{0, {2, 0}}, LatentArea{2, 1, 1, 3}};
  const at::Tensor joined = *join_concats(conds, 2, region);
  ASSERT_EQ(joined.sizes(), (std::vector<std::int64_t>{4, 5, 2, 1}));
  EXPECT_TRUE(at::equal(joined[0], rows[2].narrow(1, 1, 2).narrow(2, 3, 1)));
  EXPECT_TRUE(at::equal(joined[3], rows[0].narrow(1, 1, 2).narrow(2, 3, 1)));
}

TEST(JoinConcats, AnItemHasItsRow) {
  const PreparedCond cond{at::randn({2, 1, 3}), at::randn({3, 4}), at::randn({2, 5, 4, 4})};
  const std::array<const PreparedCond*, 1> one = {&cond};
  LatentRegion region;
  for (const std::int64_t item : {0, 1, 4}) {
    region.item = item;
    const auto row = [&](const at::Tensor& joined) { return joined.narrow(0, item, 1); };
    EXPECT_TRUE(at::equal(join_contexts(one, 1, region), row(join_contexts(one, 5))));
    EXPECT_TRUE(at::equal(*join_vectors(one, 1, region), row(*join_vectors(one, 5))));
    EXPECT_TRUE(at::equal(*join_concats(one, 1, region), row(*join_concats(one, 5, {}))));
  }
}

}  // namespace
}  // namespace tandem::models
