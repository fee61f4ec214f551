#include "models/layers/attention.hpp"

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

// (n, tokens, heads * d) -> (n, heads, tokens, d)
at::Tensor split_heads(const at::Tensor& x, std::int64_t heads) {
  return x.unflatten(-1, {heads, x.size(-1) / heads}).transpose(1, 2);
}

}  // namespace

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     std::int64_t heads, const std::optional<at::Tensor>& mask) {
  const at::Tensor out = at::scaled_dot_product_attention(
      split_heads(q, heads), split_heads(k, heads), split_heads(v, heads), mask);
  return out.transpose(1, 2).flatten(2);
}

at::Tensor attention_in_fp32(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             std::int64_t heads) {
  return attention(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), heads).to(q.scalar_type());
}

CrossAttention::CrossAttention(const Weights& weights, const std::string& prefix,
                               const AttentionSizes& sizes)
    : to_q_(weights, prefix + ".to_q", {.in = sizes.width, .out = sizes.width}),
      to_k_(weights, prefix + ".to_k", {.in = sizes.context_width, .out = sizes.width}),
      to_v_(weights, prefix + ".to_v", {.in = sizes.context_width, .out = sizes.width}),
      to_out_(weights, prefix + ".to_out.0", {.in = sizes.width, .out = sizes.width}),
      heads_(sizes.heads),
      in_fp32_(sizes.in_fp32) {
  if (heads_ <= 0 || sizes.width % heads_ != 0) {
    throw Error(ErrorCode::kBadShape, "'" + weights.full_name(prefix) + "' has " +
                                          std::to_string(sizes.width) + " channels, which " +
                                          std::to_string(heads_) + " heads do not divide.");
  }
}

at::Tensor CrossAttention::operator()(const at::Tensor& x, const at::Tensor& context,
                                      double key_scale) const {
  const at::Tensor q = to_q_(x);
  at::Tensor k = to_k_(context);
  if (key_scale != 1.0) k = k * key_scale;
  const at::Tensor v = to_v_(context);
  return to_out_(in_fp32_ ? attention_in_fp32(q, k, v, heads_) : attention(q, k, v, heads_));
}

}  // namespace tandem::models
