#include "models/layers/attention.hpp"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

// Written out, in float64.
at::Tensor reference(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     std::int64_t heads, const at::Tensor& added = {}) {
  std::vector<at::Tensor> outs;
  const std::int64_t width = q.size(2) / heads;
  for (std::int64_t head = 0; head < heads; ++head) {
    const auto part = [&](const at::Tensor& x) {
      return x.to(at::kDouble).narrow(2, head * width, width);
    };
    at::Tensor scores =
        at::matmul(part(q), part(k).transpose(1, 2)) / std::sqrt(static_cast<double>(width));
    if (added.defined()) scores = scores + added;
    outs.push_back(at::matmul(at::softmax(scores, -1), part(v)));
  }
  return at::cat(outs, 2).to(at::kFloat);
}

class Attention : public ::testing::Test {
 protected:
  Attention() { at::manual_seed(5); }

  at::Tensor q_ = at::randn({2, 7, 12});
  at::Tensor k_ = at::randn({2, 5, 12});
  at::Tensor v_ = at::randn({2, 5, 12});
};

TEST_F(Attention, IsSoftmaxOfScaledProducts) {
  EXPECT_TRUE(at::allclose(attention(q_, k_, v_, 3), reference(q_, k_, v_, 3), 1e-5, 1e-6));
}

TEST_F(Attention, MasksAreAddedOrHide) {
  const at::Tensor seen = at::ones({7, 5}, at::kBool).tril();
  const at::Tensor added = at::zeros({7, 5}).masked_fill(seen.logical_not(), -INFINITY);
  const at::Tensor expected = reference(q_, k_, v_, 3, added);
  EXPECT_TRUE(at::allclose(attention(q_, k_, v_, 3, seen), expected, 1e-5, 1e-6));
  EXPECT_TRUE(at::allclose(attention(q_, k_, v_, 3, added), expected, 1e-5, 1e-6));
}

TEST_F(Attention, RepeatedTokensChangeNothing) {
  const at::Tensor once = attention(q_, k_, v_, 3);
  const at::Tensor twice = attention(q_, k_.repeat({1, 2, 1}), v_.repeat({1, 2, 1}), 3);
  EXPECT_TRUE(at::allclose(once, twice, 1e-5, 1e-6));
}

// Scores above 65504 are infinite in fp16, and infinity minus infinity is no number.
TEST_F(Attention, InFp32DoesNotOverflow) {
  const at::Tensor large = (q_ * 1000).to(at::kHalf);
  const at::Tensor keys = (k_ * 1000).to(at::kHalf);
  const at::Tensor out = attention_in_fp32(large, keys, v_.to(at::kHalf), 3);
  EXPECT_EQ(out.scalar_type(), at::kHalf);
  EXPECT_TRUE(out.isfinite().all().item<bool>());
  EXPECT_TRUE(
      at::allclose(out.to(at::kFloat), reference(large, keys, v_.to(at::kHalf), 3), 1e-3, 1e-3));
}

TEST_F(Attention, CrossAttentionProjectsAndChecksItsSizes) {
  const at::Tensor identity = at::eye(4);
  const Weights weights({{"a.to_q.weight", identity},
                         {"a.to_k.weight", at::ones({4, 3})},
                         {"a.to_v.weight", at::ones({4, 3})},
                         {"a.to_out.0.weight", identity * 2},
                         {"a.to_out.0.bias", at::ones({4})}});
  const CrossAttention cross(weights, "a", {.width = 4, .context_width = 3, .heads = 2});
  // All keys are equal, so that the values' mean comes out: sums 6 and 15.
  const at::Tensor context = at::tensor({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}).view({1, 2, 3});
  const at::Tensor equal_keys = at::ones({1, 2, 3});
  EXPECT_TRUE(at::allclose(cross(at::randn({1, 6, 4}), equal_keys), at::full({1, 6, 4}, 7.0)));
  EXPECT_EQ(cross(at::zeros({1, 6, 4}), context)[0][0][0].item<float>(), 2 * 10.5F + 1);
  EXPECT_THROW(CrossAttention(weights, "a", {.width = 4, .context_width = 3, .heads = 3}), Error);
  EXPECT_THROW(CrossAttention(weights, "a", {.width = 4, .context_width = 2, .heads = 2}), Error);
}

}  // namespace
}  // namespace tandem::models
