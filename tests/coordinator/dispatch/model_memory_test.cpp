#include "coordinator/dispatch/model_memory.hpp"

#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tandem::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr ModelId kA{1}, kB{2}, kC{3};
constexpr ModelPart kUnet = ModelPart::kUnet, kText = ModelPart::kText;

bool never(ModelId, ModelPart) {
  return false;
}

// Slots 0 and 1 on "gpu:0", each with weights of its own; 2 and 3 on "cpu", which share theirs.
class ModelMemoryTest : public ::testing::Test {
 protected:
  ModelMemoryTest() {
    for (int i = 0; i < 2; ++i)
      memory_.add_worker("gpu:0", false);
    for (int i = 0; i < 2; ++i)
      memory_.add_worker("cpu", true);
  }

  ModelMemory memory_;
};

TEST_F(ModelMemoryTest, SharedWeightsCountOnce) {
  for (const std::size_t slot : {0U, 1U, 2U, 3U})
    memory_.loaded({slot, kA, kUnet}, 100);
  memory_.loaded({3, kA, kText}, 30);
  EXPECT_EQ(memory_.bytes("gpu:0"), 200U);
  EXPECT_EQ(memory_.bytes("cpu"), 130U);
  const std::vector<DeviceMemory> report = memory_.report();
  ASSERT_EQ(report.size(), 2U);
  EXPECT_EQ(report[0].device, "cpu");
  EXPECT_EQ(report[0].models.at(kA), 130U);
}

TEST_F(ModelMemoryTest, WithoutABudgetNothingGoes) {
  memory_.loaded({0, kA, kUnet}, 100);
  EXPECT_THAT(memory_.make_room("gpu:0", 1'000'000, never), IsEmpty());
}

TEST_F(ModelMemoryTest, TheLeastRecentlyUsedGoesFirstAndNoMoreThanNeeded) {
  memory_.set_budget("gpu:0", 300);
  memory_.loaded({0, kA, kUnet}, 100);
  memory_.loaded({0, kB, kUnet}, 100);
  memory_.loaded({0, kC, kUnet}, 100);
  memory_.used({0, kA, kUnet});
  EXPECT_THAT(memory_.make_room("gpu:0", 50, never), ElementsAre(HeldPart{0, kB, kUnet}));
  EXPECT_EQ(memory_.bytes("gpu:0"), 200U);
  EXPECT_THAT(memory_.make_room("gpu:0", 100, never), IsEmpty());
}

TEST_F(ModelMemoryTest, WhatIsInUseStaysEvenPastTheBudget) {
  memory_.set_budget("gpu:0", 150);
  memory_.loaded({0, kA, kUnet}, 100);
  memory_.loaded({0, kB, kText}, 40);
  const auto a_in_use = [](ModelId model, ModelPart) { return model == kA; };
  EXPECT_THAT(memory_.make_room("gpu:0", 100, a_in_use), ElementsAre(HeldPart{0, kB, kText}));
  EXPECT_TRUE(memory_.is_over("gpu:0", 100));
  EXPECT_FALSE(memory_.is_over("gpu:0", 50));
}

TEST_F(ModelMemoryTest, ASharedCopyGoesFromAllItsWorkers) {
  memory_.set_budget("cpu", 100);
  memory_.loaded({2, kA, kUnet}, 100);
  memory_.loaded({3, kA, kUnet}, 100);
  EXPECT_THAT(memory_.make_room("cpu", 10, never),
              UnorderedElementsAre(HeldPart{2, kA, kUnet}, HeldPart{3, kA, kUnet}));
}

TEST_F(ModelMemoryTest, ACopyWasUsedWhenAnyOfItsWorkersUsedIt) {
  memory_.loaded({2, kA, kUnet}, 100);
  memory_.loaded({2, kB, kUnet}, 100);
  memory_.loaded({3, kA, kUnet}, 100);
  EXPECT_THAT(memory_.take_unused("cpu", 1, never), ElementsAre(HeldPart{2, kB, kUnet}));
}

TEST_F(ModelMemoryTest, WhatALoadNeedsIsKnownAfterTheFirst) {
  const HeldPart part{0, kA, kUnet};
  EXPECT_EQ(memory_.needed(part, 70), 70U);
  memory_.reserve(part, 70);
  EXPECT_EQ(memory_.bytes("gpu:0"), 70U);
  memory_.loaded(part, 80);
  EXPECT_EQ(memory_.bytes("gpu:0"), 80U);
  EXPECT_EQ(memory_.needed({1, kA, kUnet}, 70), 80U);  // a copy of its own
  memory_.take_model(kA, never);
  EXPECT_EQ(memory_.needed(part, 70), 80U);

  memory_.reserve({2, kA, kUnet}, 70);
  EXPECT_EQ(memory_.needed({3, kA, kUnet}, 70), 0U);  // shares what is just being loaded
}

TEST_F(ModelMemoryTest, AModelIsTakenEverywhereButWhereItIsInUse) {
  memory_.loaded({0, kA, kUnet}, 1);
  memory_.loaded({2, kA, kText}, 1);
  memory_.loaded({2, kB, kText}, 1);
  const auto text_in_use = [](ModelId, ModelPart part) { return part == kText; };
  EXPECT_THAT(memory_.take_model(kA, text_in_use), ElementsAre(HeldPart{0, kA, kUnet}));
  EXPECT_THAT(memory_.take_model(kA, never), ElementsAre(HeldPart{2, kA, kText}));
}

TEST_F(ModelMemoryTest, AWorkersEndFreesItsOwnMemory) {
  memory_.loaded({0, kA, kUnet}, 100);
  memory_.loaded({1, kA, kUnet}, 100);
  EXPECT_THAT(memory_.forget(0), ElementsAre(HeldPart{0, kA, kUnet}));
  EXPECT_EQ(memory_.bytes("gpu:0"), 100U);
  EXPECT_TRUE(memory_.is_held({0, kA, kUnet}));  // by its neighbour on the device
}

// Random loads and uses: the budget holds unless what is in use alone passes it, and what is in use
// is never taken.
TEST(ModelMemoryProperty, TheBudgetHoldsUnderRandomLoads) {
  constexpr std::uint64_t kBudget = 500;
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    ModelMemory memory;
    memory.add_worker("cpu", true);
    memory.add_worker("cpu", true);
    memory.set_budget("cpu", kBudget);
    std::set<ModelId> in_use;
    const auto is_in_use = [&](ModelId model, ModelPart) { return in_use.contains(model); };
    for (int step = 0; step < 200; ++step) {
      const HeldPart load{random() % 2, ModelId{1 + random() % 8}, kUnet};
      in_use = {load.model, ModelId{1 + random() % 8}};
      const std::uint64_t needed = memory.needed(load, load.model.value * 40);
      for (const HeldPart& taken : memory.make_room("cpu", needed, is_in_use))
        ASSERT_FALSE(in_use.contains(taken.model));
      if (memory.is_over("cpu", needed)) {
        const DeviceMemory report = memory.report().front();
        for (const auto& [model, bytes] : report.models)
          ASSERT_TRUE(in_use.contains(model));
      }
      memory.loaded(load, load.model.value * 40);
    }
  }
}

}  // namespace
}  // namespace tandem::coordinator
