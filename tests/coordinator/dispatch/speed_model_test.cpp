#include "coordinator/dispatch/speed_model.hpp"

#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

TEST(SpeedModel, KnowsNothingOfAShapeThatNeverRan) {
  const SpeedModel model;
  EXPECT_FALSE(model.seconds(0, "a", 1));
  EXPECT_FALSE(model.has_measured(0, "a", 1));
}

TEST(SpeedModel, OfTheFirstTimesTheShortestCounts) {
  SpeedModel model;
  model.learn(0, "a", 1, 9.0);
  EXPECT_DOUBLE_EQ(*model.seconds(0, "a", 1), 9.0) << "better than nothing";
  model.learn(0, "a", 1, 3.0);
  model.learn(0, "a", 1, 1.0);
  EXPECT_DOUBLE_EQ(*model.seconds(0, "a", 1), 1.0);
  model.learn(1, "a", 1, 1.0);
  model.learn(1, "a", 1, 9.0);
  model.learn(1, "a", 1, 9.0);
  EXPECT_DOUBLE_EQ(*model.seconds(1, "a", 1), 1.0);
}

// A GPU's first units with a shape choose their algorithms and record their kernels.
TEST(SpeedModel, WhoWasOnlyWarmingUpIsTriedAgainSoon) {
  SpeedModel model;
  model.learn(1, "a", 1, 500.0);
  for (int i = 0; i < 4; ++i)
    model.learn(0, "a", 1, 4.0);
  EXPECT_DOUBLE_EQ(*model.seconds(1, "a", 1), 4.0);
  model.learn(1, "a", 1, 90.0);
  EXPECT_DOUBLE_EQ(*model.seconds(1, "a", 1), 90.0);
  for (int i = 0; i < 4; ++i)
    model.learn(0, "a", 1, 4.0);
  model.learn(1, "a", 1, 16.0);
  for (int i = 0; i < 40; ++i)
    model.learn(0, "a", 1, 4.0);
  EXPECT_DOUBLE_EQ(*model.seconds(1, "a", 1), 16.0) << "three times are a verdict";
}

TEST(SpeedModel, AHiccupIsNoVerdict) {
  SpeedModel model;
  for (int i = 0; i < 3; ++i)
    model.learn(0, "a", 1, 1.0);
  model.learn(0, "a", 1, 100.0);
  EXPECT_DOUBLE_EQ(*model.seconds(0, "a", 1), 1.25);
}

TEST(SpeedModel, WhoIsPassedOverIsTriedAgain) {
  SpeedModel model;
  for (int i = 0; i < 3; ++i) {
    model.learn(0, "a", 1, 1.0);
    model.learn(1, "a", 1, 4.0);
  }
  for (int i = 0; i < 50; ++i)
    model.learn(0, "a", 1, 1.0);
  EXPECT_DOUBLE_EQ(*model.seconds(1, "a", 1), 4.0);
  for (int i = 0; i < 150; ++i)
    model.learn(0, "a", 1, 1.0);
  EXPECT_DOUBLE_EQ(*model.seconds(1, "a", 1), 1.0) << "as good as the best, not better";
  model.learn(1, "a", 1, 4.0);
  EXPECT_GT(*model.seconds(1, "a", 1), 3.9);
}

TEST(SpeedModel, FollowsAChange) {
  SpeedModel model;
  for (int i = 0; i < 20; ++i)
    model.learn(0, "a", 1, 1.0);
  for (int i = 0; i < 20; ++i)
    model.learn(0, "a", 1, 3.0);
  EXPECT_NEAR(*model.seconds(0, "a", 1), 3.0, 0.02);
}

// A crowd that was slow once, and is not measured again because nobody uses it, is tried again; it
// is never thought to be faster than one worker alone.
TEST(SpeedModel, ACrowdThatIsPassedOverIsTriedAgain) {
  SpeedModel model;
  for (int i = 0; i < 2; ++i) {
    model.learn(0, "a", 1, 1.0);
    model.learn(0, "a", 2, 3.0);
    model.learn(1, "a", 2, 3.0);
  }
  EXPECT_DOUBLE_EQ(*model.seconds(0, "a", 2), 3.0);
  for (int i = 0; i < 300; ++i)
    model.learn(0, "a", 1, 1.0);
  EXPECT_DOUBLE_EQ(*model.seconds(0, "a", 2), 1.0);
  EXPECT_DOUBLE_EQ(*model.seconds(1, "a", 2), 1.0);
}

TEST(SpeedModel, AnotherSlotCountsAsTheMeanOfThoseThatRan) {
  SpeedModel model;
  model.learn(0, "a", 1, 1.0);
  model.learn(1, "a", 1, 3.0);
  EXPECT_DOUBLE_EQ(*model.seconds(2, "a", 1), 2.0);
  EXPECT_FALSE(model.has_measured(2, "a", 1));
}

TEST(SpeedModel, ACrowdIsScaledAsOtherSlotsAre) {
  SpeedModel model;
  for (int i = 0; i < 2; ++i) {
    model.learn(0, "a", 1, 1.0);
    model.learn(0, "a", 2, 1.5);
    model.learn(1, "a", 2, 3.0);
  }
  EXPECT_DOUBLE_EQ(*model.seconds(1, "a", 1), 2.0);
  EXPECT_EQ(model.crowded_units("a"), 4U);
}

TEST(SpeedModel, IgnoresWhatIsNoTime) {
  SpeedModel model;
  model.learn(0, "a", 1, 0.0);
  model.learn(0, "a", 1, -1.0);
  EXPECT_FALSE(model.seconds(0, "a", 1));
}

TEST(SpeedModel, ForgetsTheShapeThatRanLongestAgo) {
  SpeedModel model;
  for (std::size_t i = 0; i < SpeedModel::kMostShapes; ++i)
    model.learn(0, std::to_string(i), 1, 1.0);
  model.learn(0, "0", 1, 1.0);
  model.learn(0, "new", 1, 1.0);
  EXPECT_TRUE(model.seconds(0, "0", 1));
  EXPECT_FALSE(model.seconds(0, "1", 1));
  EXPECT_TRUE(model.seconds(0, "2", 1));
}

}  // namespace
}  // namespace tandem::coordinator
