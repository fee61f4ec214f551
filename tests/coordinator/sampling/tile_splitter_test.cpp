#include "coordinator/units/tile_splitter.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

using Sizes = std::vector<std::int64_t>;

// What a network would do that only repeats each cell.
at::Tensor enlarged(const at::Tensor& tile, std::int64_t times) {
  return tile.repeat_interleave(times, 2).repeat_interleave(times, 3);
}

at::Tensor merged(const TileSplitter& splitter, const at::Tensor& input, std::int64_t times) {
  TileMerger merger(splitter);
  for (const Tile& tile : splitter.tiles())
    merger.add(enlarged(TileSplitter::cut(input, tile), times));
  return merger.take();
}

TEST(TileSplitter, StepsByTheTileLessTheOverlapAndEndsInAShorterTile) {
  // 0, 6 and 12 of 14 columns: the last tile has the 2 that are left. One row of 5.
  const TileSplitter splitter({1, 3, 5, 14}, {{8, 8, 2}}, {4, 1}, 3);
  const std::vector<Tile> expected = {{0, 0, 0, 0, 5, 8}, {0, 0, 0, 6, 5, 8}};
  EXPECT_EQ(splitter.tiles(), expected);
  const TileSplitter longer({1, 3, 5, 15}, {{8, 8, 2}}, {4, 1}, 3);
  ASSERT_EQ(longer.tiles().size(), 3U);
  EXPECT_EQ(longer.tiles()[2], (Tile{0, 0, 0, 12, 5, 3}));
  EXPECT_EQ(longer.result_shape(longer.tiles()[2]), (Sizes{1, 3, 20, 12}));
  EXPECT_EQ(longer.result_shape(), (Sizes{1, 3, 20, 60}));
}

TEST(TileSplitter, KeysAreInOrder) {
  const TileSplitter splitter({3, 4, 20, 30}, {{16, 4, 2}, {4, 16, 2}, {8, 8, 2}}, {8, 1}, 3);
  const auto& tiles = splitter.tiles();
  EXPECT_TRUE(std::is_sorted(tiles.begin(), tiles.end()));
  EXPECT_EQ(std::adjacent_find(tiles.begin(), tiles.end()), tiles.end()) << "each key once";
}

TEST(TileSplitter, WeightsRiseInStepsAtEveryEdge) {
  const TileSplitter splitter({1, 3, 4, 20}, {{8, 8, 2}}, {2, 1}, 3);
  const at::Tensor weights = splitter.weights(splitter.tiles()[0]);
  ASSERT_EQ(weights.sizes().vec(), (Sizes{1, 1, 8, 16}));
  const at::Tensor columns = weights[0][0][4];
  // The overlap is 4 cells of the result: 1/4, 2/4, 3/4, 1.
  for (int i = 0; i < 4; ++i) {
    EXPECT_FLOAT_EQ(columns[i].item<float>(), static_cast<float>(i + 1) / 4);
    EXPECT_FLOAT_EQ(columns[15 - i].item<float>(), static_cast<float>(i + 1) / 4);
  }
  EXPECT_FLOAT_EQ(columns[8].item<float>(), 1);
  EXPECT_FLOAT_EQ(weights[0][0][0][0].item<float>(), 1.0F / 16) << "a corner has both ramps";
}

TEST(TileSplitter, ARampAsLongAsTheSideIsLeftOut) {
  const TileSplitter splitter({1, 3, 2, 20}, {{8, 8, 2}}, {1, 1}, 3);
  EXPECT_FLOAT_EQ(splitter.weights(splitter.tiles()[0])[0][0][0][4].item<float>(), 1);
}

TEST(TileMerger, WhatEveryTileAgreesOnComesBack) {
  const at::Tensor input = at::rand({2, 3, 23, 30});
  const TileSplitter splitter(input.sizes(), {{16, 16, 4}}, {2, 1}, 3);
  EXPECT_TRUE(at::allclose(merged(splitter, input, 2), enlarged(input, 2), 1e-6, 1e-6));
}

TEST(TileMerger, AnInputThatFitsIsNotWeighted) {
  const at::Tensor input = at::rand({2, 3, 7, 9});
  const TileSplitter splitter(input.sizes(), {{16, 16, 4}}, {2, 1}, 3);
  EXPECT_EQ(splitter.tiles().size(), 2U) << "one for each of the batch";
  EXPECT_TRUE(at::equal(merged(splitter, input, 2), enlarged(input, 2)));
}

TEST(TileMerger, NeighboursAreBlendedByTheirWeights) {
  // 12 columns in tiles of 8 that share 4: ramps 1/4 .. 1 against 1 .. 1/4.
  const TileSplitter splitter({1, 1, 1, 12}, {{1, 8, 4}}, {1, 1}, 1);
  ASSERT_EQ(splitter.tiles().size(), 2U);
  TileMerger merger(splitter);
  merger.add(at::zeros({1, 1, 1, 8}));
  merger.add(at::ones({1, 1, 1, 8}));
  const at::Tensor row = merger.take()[0][0][0];
  const float expected[] = {0, 0, 0, 0, 1.0F / 5, 2.0F / 5, 3.0F / 5, 4.0F / 5, 1, 1, 1, 1};
  for (int i = 0; i < 12; ++i)
    EXPECT_NEAR(row[i].item<float>(), expected[i], 1e-6) << i;
}

TEST(TileMerger, TilingsAreAveraged) {
  const TileSplitter splitter({1, 1, 2, 2}, {{2, 2, 0}, {2, 2, 0}, {2, 2, 0}}, {1, 1}, 1);
  TileMerger merger(splitter);
  for (const float value : {1.0F, 2.0F, 6.0F})
    merger.add(at::full({1, 1, 2, 2}, value));
  EXPECT_TRUE(at::equal(merger.take(), at::full({1, 1, 2, 2}, 3.0F)));
}

TEST(TileMerger, EncodingMakesOneCellOfSeveral) {
  const at::Tensor input = at::rand({1, 3, 64, 96});
  const TileSplitter splitter(input.sizes(), {{32, 64, 16}}, {1, 8}, 4);
  EXPECT_EQ(splitter.result_shape(), (Sizes{1, 4, 8, 12}));
  TileMerger merger(splitter);
  for (const Tile& tile : splitter.tiles()) {
    merger.add(
        at::avg_pool2d(TileSplitter::cut(input, tile), 8).mean(1, true).repeat({1, 4, 1, 1}));
  }
  const at::Tensor whole = at::avg_pool2d(input, 8).mean(1, true).repeat({1, 4, 1, 1});
  EXPECT_TRUE(at::allclose(merger.take(), whole, 1e-6, 1e-6));
}

TEST(TileMerger, WhatDoesNotFitIsAnError) {
  const TileSplitter splitter({1, 1, 4, 4}, {{4, 4, 0}}, {2, 1}, 3);
  TileMerger merger(splitter);
  EXPECT_THROW(merger.add(at::zeros({1, 3, 4, 4})), Error);
  EXPECT_THROW(merger.take(), Error);
  merger.add(at::zeros({1, 3, 8, 8}));
  EXPECT_THROW(merger.add(at::zeros({1, 3, 8, 8})), Error);
}

}  // namespace
}  // namespace tandem::coordinator
