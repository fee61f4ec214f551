// The simple layers against values worked out by hand.
#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "models/layers/conv.hpp"
#include "models/layers/embedding.hpp"
#include "models/layers/feed_forward.hpp"
#include "models/layers/linear.hpp"
#include "models/layers/norm.hpp"
#include "models/layers/resample.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

at::Tensor numbers(std::vector<float> values, at::IntArrayRef shape) {
  return at::tensor(values).view(shape);
}

TEST(Linear, MultipliesAndAdds) {
  const Weights weights(
      {{"l.weight", numbers({1, 2, 3, 4, 5, 6}, {2, 3})}, {"l.bias", numbers({10, 20}, {2})}});
  const Linear linear(weights, "l");
  EXPECT_TRUE(at::equal(linear(numbers({1, 0, -1}, {1, 3})), numbers({8, 18}, {1, 2})));
  EXPECT_EQ(linear.in_features(), 3);
  EXPECT_EQ(linear.out_features(), 2);
}

TEST(Linear, NeedsNoBiasButTheRightSizes) {
  const Weights weights({{"l.weight", numbers({1, 2}, {1, 2})},
                         {"m.weight", at::ones({2, 2})},
                         {"m.bias", at::ones({3})}});
  EXPECT_EQ(Linear(weights, "l")(numbers({3, 4}, {1, 2})).item<float>(), 11);
  EXPECT_THROW(Linear(weights, "l", {.in = 3}), Error);
  EXPECT_THROW(Linear(weights, "l", {.out = 2}), Error);
  EXPECT_THROW(Linear(weights, "m"), Error);
  EXPECT_THROW(Linear(weights, "n"), Error);
}

TEST(Conv2d, AppliesStrideAndPadding) {
  const Weights weights({{"c.weight", at::ones({1, 1, 3, 3})}, {"c.bias", numbers({0.5F}, {1})}});
  const at::Tensor x = at::arange(1, 17, at::kFloat).view({1, 1, 4, 4});
  // Sums of the 3 x 3 neighbourhoods around (0, 0), (0, 2), (2, 0), (2, 2), plus the bias.
  EXPECT_TRUE(at::equal(Conv2d(weights, "c", {.stride = 2, .padding = 1})(x),
                        numbers({14.5F, 30.5F, 57.5F, 99.5F}, {1, 1, 2, 2})));
  EXPECT_EQ(Conv2d(weights, "c")(x).size(2), 2);
  EXPECT_THROW(Conv2d(weights, "c", {.in = 2}), Error);
}

TEST(GroupNorm, NormalisesEachGroup) {
  const Weights weights({{"g.weight", numbers({1, 1, 2, 2}, {4})},
                         {"g.bias", numbers({0, 0, 1, 1}, {4})},
                         {"six.weight", at::ones({6})},
                         {"six.bias", at::ones({6})}});
  const GroupNorm norm(weights, "g", 2, 0.0);
  const at::Tensor out = norm(numbers({1, 3, 10, 30}, {1, 4, 1, 1}));
  EXPECT_TRUE(at::allclose(out.flatten(), numbers({-1, 1, -1, 3}, {4})));
  EXPECT_THROW(GroupNorm(weights, "six", 4), Error);
}

TEST(GroupNorm, SeveralItemsMayBeNormalisedAsOne) {
  const Weights weights({{"g.weight", at::ones({4})}, {"g.bias", at::zeros({4})}});
  const GroupNorm norm(weights, "g", 2, 0.0);
  // Both passes have one spread in the first group and another in the second.
  const at::Tensor x = numbers({1, 1, 10, 30, 3, 3, 10, 30, 5, 5, 2, 4, 7, 7, 2, 4}, {4, 4, 1, 1});
  EXPECT_TRUE(
      at::allclose(norm(x, 2).flatten(),
                   numbers({-1, -1, -1, 1, 1, 1, -1, 1, -1, -1, -1, 1, 1, 1, -1, 1}, {16})));
  const GroupNorm apart(weights, "g", 2);
  EXPECT_TRUE(at::equal(apart(x, 1), apart(x)));
}

TEST(LayerNorm, NormalisesTheLastDimension) {
  const Weights weights({{"n.weight", numbers({1, 2}, {2})}, {"n.bias", numbers({0, 1}, {2})}});
  const at::Tensor out = LayerNorm(weights, "n", 0.0)(numbers({1, 3, 5, 5.5F}, {2, 2}));
  EXPECT_TRUE(at::allclose(out, numbers({-1, 3, -1, 3}, {2, 2})));
}

TEST(TimestepEmbedding, HasCosinesFirst) {
  const at::Tensor out = timestep_embedding(at::tensor({0.0F, 2.5F}), 4, 100.0);
  const auto cosine = [](double angle) { return static_cast<float>(std::cos(angle)); };
  const auto sine = [](double angle) { return static_cast<float>(std::sin(angle)); };
  // Frequencies 1 and 100^(-1/2).
  EXPECT_TRUE(at::allclose(
      out, numbers({1, 1, 0, 0, cosine(2.5), cosine(0.25), sine(2.5), sine(0.25)}, {2, 4})));
}

TEST(TimestepEmbedding, AnOddWidthEndsInZero) {
  const at::Tensor out = timestep_embedding(at::tensor({3}, at::kLong), 5);
  EXPECT_EQ(out.sizes(), (std::vector<std::int64_t>{1, 5}));
  EXPECT_EQ(out.scalar_type(), at::kFloat);
  EXPECT_EQ(out[0][4].item<float>(), 0);
}

TEST(EmbeddingMlp, HasASiluBetween) {
  const Weights weights({{"e.0.weight", numbers({1, -1}, {2, 1})},
                         {"e.0.bias", at::zeros({2})},
                         {"e.2.weight", at::eye(2)},
                         {"e.2.bias", at::zeros({2})}});
  const at::Tensor out = EmbeddingMlp(weights, "e", {.in = 1, .out = 2})(numbers({2}, {1, 1}));
  const double up = 2 / (1 + std::exp(-2.0));
  const double down = -2 / (1 + std::exp(2.0));
  EXPECT_NEAR(out[0][0].item<double>(), up, 1e-6);
  EXPECT_NEAR(out[0][1].item<double>(), down, 1e-6);
}

TEST(GegluFeedForward, GatesTheFirstHalfByTheSecond) {
  const Weights weights({{"f.net.0.proj.weight", numbers({3, 2}, {2, 1})},
                         {"f.net.0.proj.bias", at::zeros({2})},
                         {"f.net.2.weight", numbers({1}, {1, 1})},
                         {"f.net.2.bias", numbers({0}, {1})}});
  const double gate = 2 * 0.5 * (1 + std::erf(2 / std::sqrt(2.0)));
  EXPECT_NEAR(GegluFeedForward(weights, "f", 1)(at::ones({1, 1})).item<double>(), 3 * gate, 1e-5);
  EXPECT_THROW(GegluFeedForward(weights, "f", 2), Error);
}

TEST(Resample, UpsampleFindsBackToOddSizes) {
  const at::Tensor identity = numbers({0, 0, 0, 0, 1, 0, 0, 0, 0}, {1, 1, 3, 3});
  const Weights weights({{"u.conv.weight", identity},
                         {"u.conv.bias", at::zeros({1})},
                         {"d.op.weight", identity},
                         {"d.op.bias", at::zeros({1})}});
  const at::Tensor x = at::arange(15, at::kFloat).view({1, 1, 3, 5});
  const at::Tensor down = Downsample(weights, "d", 1)(x);
  EXPECT_TRUE(at::equal(down, numbers({0, 2, 4, 10, 12, 14}, {1, 1, 2, 3})));
  const at::Tensor up = Upsample(weights, "u", 1)(down, {3, 5});
  EXPECT_TRUE(
      at::equal(up, numbers({0, 0, 2, 2, 4, 0, 0, 2, 2, 4, 10, 10, 12, 12, 14}, {1, 1, 3, 5})));
}

}  // namespace
}  // namespace tandem::models
