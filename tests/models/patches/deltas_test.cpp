#include "models/patches/deltas.hpp"

#include <functional>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

at::Tensor matrix(std::vector<float> numbers, std::vector<std::int64_t> shape) {
  return at::tensor(numbers).view(shape);
}

at::Tensor apply(const TensorMap& file, const at::Tensor& weight, double strength = 1.0) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file)
    names.push_back(name);
  const auto deltas = find_deltas(names, {{"w", {"w.weight", {}, {}, false}}});
  return apply_delta(weight, file, deltas.begin()->second, strength);
}

void expect_equal(const at::Tensor& got, const at::Tensor& expected) {
  EXPECT_TRUE(at::allclose(got, expected, 1e-5, 1e-6)) << got << expected;
}

const at::Tensor kWeight = matrix({1, 2, 3, 4}, {2, 2});
const at::Tensor kUp = matrix({1, 2}, {2, 1});
const at::Tensor kDown = matrix({3, 5}, {1, 2});
const at::Tensor kProduct = matrix({3, 5, 6, 10}, {2, 2});

TEST(Deltas, LoraIsAProductScaledByAlphaOverRank) {
  const TensorMap file = {
      {"w.lora_up.weight", kUp}, {"w.lora_down.weight", kDown}, {"w.alpha", at::tensor(2.0F)}};
  expect_equal(apply(file, kWeight, 0.5), kWeight + kProduct);
  EXPECT_TRUE(at::equal(kWeight, matrix({1, 2, 3, 4}, {2, 2})));
}

TEST(Deltas, LoraOfOtherSpellingsHasNoAlpha) {
  for (const auto& [up, down] : std::map<std::string, std::string>{
           {"w_lora.up.weight", "w_lora.down.weight"},
           {"w.lora_B.weight", "w.lora_A.weight"},
           {"w.lora.up.weight", "w.lora.down.weight"},
           {"w.lora_B", "w.lora_A"},
           {"w.lora_linear_layer.up.weight", "w.lora_linear_layer.down.weight"},
           {"w.lora_B.default.weight", "w.lora_A.default.weight"}}) {
    expect_equal(apply({{up, kUp}, {down, kDown}}, kWeight, 2.0), kWeight + 2.0 * kProduct);
  }
}

// With a middle: difference[o, i, y, x] = sum over r, s of up[o, r] middle[r, s, y, x] down[s, i].
TEST(Deltas, LoraOfAConvolutionWithAMiddle) {
  at::manual_seed(1);
  const at::Tensor up = at::randn({5, 2}), middle = at::randn({2, 2, 3, 3}),
                   down = at::randn({2, 4});
  const at::Tensor weight = at::randn({5, 4, 3, 3});
  const TensorMap file = {{"w.lora_up.weight", up.view({5, 2, 1, 1})},
                          {"w.lora_mid.weight", middle},
                          {"w.lora_down.weight", down.view({2, 4, 1, 1})}};
  expect_equal(apply(file, weight), weight + at::einsum("or,rsyx,si->oiyx", {up, middle, down}));
}

TEST(Deltas, LohaIsTheProductOfTwoProducts) {
  const TensorMap file = {
      {"w.hada_w1_a", kUp}, {"w.hada_w1_b", kDown}, {"w.hada_w2_a", kUp}, {"w.hada_w2_b", kDown}};
  expect_equal(apply(file, kWeight), kWeight + kProduct * kProduct);
}

TEST(Deltas, LokrIsAKroneckerProduct) {
  const TensorMap whole = {{"w.lokr_w1", kUp}, {"w.lokr_w2", kDown}, {"w.alpha", at::tensor(7.0F)}};
  expect_equal(apply(whole, kWeight), kWeight + kProduct);  // alpha is of low ranks alone
  const TensorMap low = {{"w.lokr_w1", at::ones({1, 1})},
                         {"w.lokr_w2_a", kUp},
                         {"w.lokr_w2_b", kDown},
                         {"w.alpha", at::tensor(7.0F)}};
  expect_equal(apply(low, kWeight), kWeight + 7.0 * kProduct);
}

TEST(Deltas, GloraPassesTheWeightThroughALowRank) {
  const at::Tensor weight = matrix({1, 2, 3, 4, 5, 6}, {2, 3});
  const at::Tensor a1 = matrix({1, 0, 1}, {3, 1}), a2 = matrix({1, 2, 3}, {1, 3});
  const at::Tensor b1 = kUp, b2 = matrix({1, 1, 1}, {1, 3});
  const TensorMap file = {
      {"w.a1.weight", a1}, {"w.a2.weight", a2}, {"w.b1.weight", b1}, {"w.b2.weight", b2}};
  expect_equal(apply(file, weight), weight + weight.matmul(a1).matmul(a2) + b1.matmul(b2));
}

// A 2 by 2 skew part q gives the rotation by 2 atan(q).
TEST(Deltas, OftTurnsBlocks) {
  const TensorMap file = {{"w.oft_blocks", matrix({0, 1, 0, 0}, {1, 2, 2})}};
  const at::Tensor turned = apply(file, kWeight);
  expect_equal(turned.pow(2).sum(0), kWeight.pow(2).sum(0));
  expect_equal(turned, at::stack({-kWeight[1], kWeight[0]}));
}

TEST(Deltas, BoftOfOneStageTurnsAsOft) {
  const TensorMap file = {{"w.oft_blocks", matrix({0, 1, 0, 0}, {1, 1, 2, 2})}};
  expect_equal(apply(file, kWeight), at::stack({kWeight[1], -kWeight[0]}));
}

TEST(Deltas, DoraBringsColumnsToTheirLength) {
  const TensorMap file = {{"w.lora_up.weight", kUp},
                          {"w.lora_down.weight", kDown},
                          {"w.dora_scale", matrix({2, 3}, {1, 2})}};
  const at::Tensor sum = kWeight + kProduct;
  const at::Tensor scaled = sum * (matrix({2, 3}, {1, 2}) / sum.pow(2).sum(0, true).sqrt());
  expect_equal(apply(file, kWeight), scaled);
  expect_equal(apply(file, kWeight, 0.25), kWeight + 0.25 * (scaled - kWeight));
}

TEST(Deltas, DiffAddsAndSetReplacesAtAnyStrength) {
  expect_equal(apply({{"w.diff", kProduct}}, kWeight, -1.0), kWeight - kProduct);
  expect_equal(apply({{"w.set_weight", kProduct}}, kWeight, 0.3), kProduct);
}

TEST(Deltas, WhatDoesNotFitIsAnError) {
  const auto code_of = [](const TensorMap& file) {
    try {
      apply(file, kWeight);
    } catch (const Error& error) {
      return error.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of({{"w.diff", at::ones({3, 2})}}), ErrorCode::kBadShape);
  EXPECT_EQ(code_of({{"w.lora_up.weight", kUp}, {"w.lora_down.weight", at::ones({1, 3})}}),
            ErrorCode::kBadShape);
  EXPECT_EQ(code_of({{"w.lora_up.weight", kUp}}), ErrorCode::kMissingTensor);
  EXPECT_EQ(code_of({{"w.lora_up.weight", kUp},
                     {"w.lora_down.weight", kDown},
                     {"w.reshape_weight", at::tensor({4, 2})}}),
            ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace tandem::models
