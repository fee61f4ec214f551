#include "models/checkpoint/weights.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Weights three_weights(LoadOptions options = {}) {
  return Weights({{"net.a.weight", at::ones({2, 3})},
                  {"net.b.weight", at::ones({2}, at::kHalf)},
                  {"other", at::ones({1}, at::kLong)}},
                 options);
}

TEST(Weights, PrefixesAddUp) {
  const Weights net = three_weights().under("net.");
  EXPECT_THAT(net.names(), ElementsAre("a.weight", "b.weight"));
  EXPECT_TRUE(net.under("a.").contains("weight"));
  EXPECT_EQ(net.under("a.").full_name("weight"), "net.a.weight");
  EXPECT_FALSE(net.contains("other"));
  EXPECT_FALSE(net.find("c.weight").has_value());
}

TEST(Weights, AMissingTensorIsNamedInFull) {
  try {
    three_weights().under("net.").at("c.weight");
    FAIL() << "was found";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMissingTensor);
    EXPECT_THAT(error.what(), HasSubstr("'net.c.weight'"));
  }
}

TEST(Weights, WhatNeedsNoConversionIsNotCopied) {
  const Weights weights = three_weights();
  EXPECT_TRUE(weights.load("net.a.weight").is_alias_of(weights.at("net.a.weight")));
  const at::Tensor converted = weights.load("net.b.weight");
  EXPECT_EQ(converted.scalar_type(), at::kFloat);
  EXPECT_EQ(weights.bytes_loaded(), 6 * 4 + 2 * 4U);
}

TEST(Weights, ComputeTypeIsTheOptions) {
  const Weights weights = three_weights({.compute = at::kBFloat16});
  EXPECT_EQ(weights.load("net.a.weight").scalar_type(), at::kBFloat16);
  EXPECT_EQ(weights.at("net.a.weight").scalar_type(), at::kFloat);
}

TEST(Weights, ConvolutionsMayHaveTheirChannelsLast) {
  const Weights weights({{"conv", at::rand({2, 3, 3, 3})}, {"linear", at::rand({2, 3})}},
                        {.channels_last = true});
  const at::Tensor conv = weights.load("conv");
  EXPECT_TRUE(conv.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::equal(conv, weights.at("conv")));
  EXPECT_TRUE(weights.load("linear").is_contiguous());
}

TEST(Weights, ShapesAreChecked) {
  const Weights weights = three_weights();
  EXPECT_NO_THROW(weights.load("net.a.weight", {2, -1}));
  try {
    weights.load("net.a.weight", {3, -1});
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kBadShape);
    EXPECT_THAT(error.what(), HasSubstr("shape (3, any), it has (2, 3)"));
  }
  EXPECT_THROW(weights.load("net.a.weight", {2}), Error);
  EXPECT_FALSE(weights.try_load("net.a.bias", {2}).has_value());
  EXPECT_THROW(weights.try_load("net.a.weight", {2}), Error);
}

TEST(Weights, WholeNumbersAreNoWeights) {
  try {
    three_weights().load("other");
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  }
}

TEST(Weights, UnusedNamesAreThoseNeverAskedFor) {
  const Weights weights = three_weights();
  weights.under("net.").load("a.weight");
  (void)weights.contains("net.b.weight");
  EXPECT_THAT(weights.unused(), ElementsAre("net.b.weight", "other"));
  EXPECT_THAT(weights.under("net.").unused(), ElementsAre("b.weight"));
}

TEST(Weights, APartOfTheNamesCanBeLeftOut) {
  const Weights weights = three_weights().under("net.").without("text_model.");
  EXPECT_TRUE(weights.contains("text_model.a.weight"));
  EXPECT_TRUE(weights.contains("a.weight"));
  EXPECT_EQ(weights.under("text_model.a.").full_name("weight"), "net.a.weight");
}

TEST(Weights, ReplacedTensorsStandBesideTheStoredOnes) {
  const Weights weights({{"a.w", at::ones({2}, at::kHalf)}, {"a.b", at::zeros({2}, at::kHalf)}});
  const auto replaced = std::make_shared<const TensorMap>(TensorMap{{"a.w", at::full({2}, 5.0F)}});
  const Weights patched = weights.with(replaced).under("a.");
  EXPECT_EQ(patched.load("w")[0].item<float>(), 5.0F);
  EXPECT_EQ(weights.load("a.w")[0].item<float>(), 1.0F);
  // Both share what was converted.
  EXPECT_TRUE(patched.load("b").is_same(weights.load("a.b")));
  EXPECT_EQ(weights.bytes_loaded(), 2 * 2 * sizeof(float));
}

}  // namespace
}  // namespace tandem::models
