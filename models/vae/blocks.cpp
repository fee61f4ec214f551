#include "models/vae/blocks.hpp"

#include <ATen/ATen.h>

#include "models/layers/attention.hpp"
#include "models/layers/resample.hpp"

namespace tandem::models {
namespace {

Conv2d conv3x3(const Weights& weights, const std::string& prefix, std::int64_t in,
               std::int64_t out) {
  return {weights, prefix, {.padding = 1, .in = in, .out = out}};
}

Conv2d conv1x1(const Weights& weights, const std::string& prefix, std::int64_t in,
               std::int64_t out) {
  return {weights, prefix, {.in = in, .out = out}};
}

std::optional<Conv2d> load_shortcut(const Weights& weights, const std::string& prefix,
                                    std::int64_t in, std::int64_t out) {
  if (in == out) return std::nullopt;
  return conv1x1(weights, prefix + ".nin_shortcut", in, out);
}

// (n, channels, height, width) -> (n, height * width, channels)
at::Tensor to_tokens(const at::Tensor& x) {
  return x.flatten(2).transpose(1, 2).contiguous();
}

}  // namespace

GroupNorm vae_norm(const Weights& weights, const std::string& prefix, std::int64_t channels) {
  return {weights, prefix, 32, 1e-6, channels};
}

VaeResnetBlock::VaeResnetBlock(const Weights& weights, const std::string& prefix, std::int64_t in,
                               std::int64_t out)
    : norm1_(vae_norm(weights, prefix + ".norm1", in)),
      conv1_(conv3x3(weights, prefix + ".conv1", in, out)),
      norm2_(vae_norm(weights, prefix + ".norm2", out)),
      conv2_(conv3x3(weights, prefix + ".conv2", out, out)),
      shortcut_(load_shortcut(weights, prefix, in, out)) {}

at::Tensor VaeResnetBlock::operator()(const at::Tensor& x) const {
  at::Tensor h = conv1_(norm1_.silu(x));
  h = conv2_(norm2_.silu(h));
  return (shortcut_ ? (*shortcut_)(x) : x) + h;
}

VaeAttention::VaeAttention(const Weights& weights, const std::string& prefix, std::int64_t channels)
    : norm_(vae_norm(weights, prefix + ".norm", channels)),
      query_(conv1x1(weights, prefix + ".q", channels, channels)),
      key_(conv1x1(weights, prefix + ".k", channels, channels)),
      value_(conv1x1(weights, prefix + ".v", channels, channels)),
      out_(conv1x1(weights, prefix + ".proj_out", channels, channels)) {}

at::Tensor VaeAttention::operator()(const at::Tensor& x) const {
  const at::Tensor h = norm_(x);
  const at::Tensor mixed =
      attention(to_tokens(query_(h)), to_tokens(key_(h)), to_tokens(value_(h)), 1);
  return x + out_(mixed.transpose(1, 2).reshape(x.sizes()));
}

VaeMiddle::VaeMiddle(const Weights& weights, const std::string& prefix, std::int64_t channels)
    : block_1_(weights, prefix + ".block_1", channels, channels),
      attn_1_(weights, prefix + ".attn_1", channels),
      block_2_(weights, prefix + ".block_2", channels, channels) {}

at::Tensor VaeMiddle::operator()(const at::Tensor& x) const {
  return block_2_(attn_1_(block_1_(x)));
}

VaeDownsample::VaeDownsample(const Weights& weights, const std::string& prefix,
                             std::int64_t channels)
    : conv_(weights, prefix + ".conv", {.stride = 2, .in = channels, .out = channels}) {}

at::Tensor VaeDownsample::operator()(const at::Tensor& x) const {
  return conv_(at::constant_pad_nd(x, {0, 1, 0, 1}));
}

VaeUpsample::VaeUpsample(const Weights& weights, const std::string& prefix, std::int64_t channels)
    : conv_(conv3x3(weights, prefix + ".conv", channels, channels)) {}

at::Tensor VaeUpsample::operator()(const at::Tensor& x) const {
  return conv_(resize_nearest(x, {2 * x.size(2), 2 * x.size(3)}));
}

}  // namespace tandem::models
