#include "models/checkpoint/weight_copies.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace tandem::models {
namespace {

// Copies that can be told from conversions, and a note of what was asked for.
class NotedCopies : public WeightCopies {
 public:
  TensorMap convert(const TensorMap& stored, at::ScalarType type) override {
    asked = stored;
    TensorMap copies;
    if (has_room) {
      for (const auto& [name, tensor] : stored)
        copies.emplace(name, at::full(tensor.sizes(), 7, type));
    }
    return copies;
  }

  TensorMap asked;
  bool has_room = true;
};

const TensorMap kTensors = {
    {"net.a", at::ones({2}, at::kHalf)},    {"net.b", at::ones({2})},
    {"net.c", at::ones({2}, at::kDouble)},  {"net.ids", at::ones({2}, at::kLong)},
    {"net.none", at::ones({0}, at::kHalf)}, {"other", at::ones({2}, at::kHalf)}};

TEST(WithCopies, ReplacesWhatWouldBeConvertedBelowThePrefix) {
  NotedCopies copies;
  const TensorMap tensors = with_copies(kTensors, "net.", at::kFloat, copies);
  EXPECT_EQ(tensors.size(), 5U);
  EXPECT_FALSE(tensors.contains("other"));
  EXPECT_EQ(copies.asked.size(), 2U);
  EXPECT_TRUE(at::equal(tensors.at("net.a"), at::full({2}, 7.0F)));
  EXPECT_TRUE(at::equal(tensors.at("net.c"), at::full({2}, 7.0F)));
  EXPECT_TRUE(tensors.at("net.b").is_alias_of(kTensors.at("net.b")));
  EXPECT_EQ(tensors.at("net.ids").scalar_type(), at::kLong);
}

TEST(WithCopies, AsksForNothingWhereAllIsInTheType) {
  NotedCopies copies;
  with_copies({{"a", at::ones({2})}}, "", at::kFloat, copies);
  EXPECT_TRUE(copies.asked.empty());
}

TEST(WithCopies, LeavesWhatThereIsNoRoomFor) {
  NotedCopies copies;
  copies.has_room = false;
  const TensorMap tensors = with_copies(kTensors, "net.", at::kFloat, copies);
  EXPECT_TRUE(tensors.at("net.a").is_alias_of(kTensors.at("net.a")));
}

}  // namespace
}  // namespace tandem::models
