#include "models/families/unet/blocks.hpp"

#include <ATen/ATen.h>

namespace tandem::models {
namespace {

constexpr std::int64_t kGroups = 32;
constexpr double kSpatialNormEps = 1e-6;  // latent diffusion's Normalize; elsewhere 1e-5

std::optional<Conv2d> make_skip(const Weights& weights, const std::string& prefix,
                                const ResBlockSizes& sizes) {
  if (sizes.in == sizes.out) return std::nullopt;
  return Conv2d(weights, prefix + ".skip_connection", {.in = sizes.in, .out = sizes.out});
}

std::vector<TransformerBlock> make_blocks(const Weights& weights, const std::string& prefix,
                                          const TransformerSizes& sizes) {
  std::vector<TransformerBlock> blocks;
  for (std::int64_t i = 0; i < sizes.depth; ++i) {
    blocks.emplace_back(weights, prefix + ".transformer_blocks." + std::to_string(i), sizes);
  }
  return blocks;
}

AttentionSizes attention_sizes(const TransformerSizes& sizes, std::int64_t context) {
  return {.width = sizes.channels,
          .context_width = context,
          .heads = sizes.heads,
          .in_fp32 = sizes.attention_in_fp32};
}

// (n, channels, h, w) -> (n, h * w, channels)
at::Tensor to_tokens(const at::Tensor& x) {
  return x.flatten(2).transpose(1, 2).contiguous();
}

at::Tensor to_image(const at::Tensor& tokens, const at::Tensor& like) {
  return tokens.transpose(1, 2).reshape(like.sizes()).contiguous(like.suggest_memory_format());
}

}  // namespace

ResBlock::ResBlock(const Weights& weights, const std::string& prefix, const ResBlockSizes& sizes)
    : in_norm_(weights, prefix + ".in_layers.0", kGroups, 1e-5, sizes.in),
      in_conv_(weights, prefix + ".in_layers.2", {.padding = 1, .in = sizes.in, .out = sizes.out}),
      embedding_(weights, prefix + ".emb_layers.1", {.in = sizes.embedding, .out = sizes.out}),
      out_norm_(weights, prefix + ".out_layers.0", kGroups, 1e-5, sizes.out),
      out_conv_(weights, prefix + ".out_layers.3",
                {.padding = 1, .in = sizes.out, .out = sizes.out}),
      skip_(make_skip(weights, prefix, sizes)) {}

at::Tensor ResBlock::operator()(const at::Tensor& x, const at::Tensor& embedding,
                                std::int64_t norm_items) const {
  at::Tensor h = in_conv_(in_norm_.silu(x, norm_items));
  h = h + embedding_(at::silu(embedding)).unsqueeze(-1).unsqueeze(-1);
  h = out_conv_(out_norm_.silu(h, norm_items));
  return (skip_ ? (*skip_)(x) : x) + h;
}

TransformerBlock::TransformerBlock(const Weights& weights, const std::string& prefix,
                                   const TransformerSizes& sizes)
    : norm1_(weights, prefix + ".norm1", 1e-5, sizes.channels),
      self_attention_(weights, prefix + ".attn1", attention_sizes(sizes, sizes.channels)),
      norm2_(weights, prefix + ".norm2", 1e-5, sizes.channels),
      cross_attention_(weights, prefix + ".attn2", attention_sizes(sizes, sizes.context)),
      norm3_(weights, prefix + ".norm3", 1e-5, sizes.channels),
      feed_forward_(weights, prefix + ".ff", sizes.channels) {}

at::Tensor TransformerBlock::operator()(const at::Tensor& x, const at::Tensor& context) const {
  const at::Tensor normed = norm1_(x);
  at::Tensor h = self_attention_(normed, normed) + x;
  h = cross_attention_(norm2_(h), context) + h;
  return h + feed_forward_(norm3_(h));
}

SpatialTransformer::SpatialTransformer(const Weights& weights, const std::string& prefix,
                                       const TransformerSizes& sizes)
    : norm_(weights, prefix + ".norm", kGroups, kSpatialNormEps, sizes.channels),
      proj_in_(make_projection(weights, prefix + ".proj_in", sizes)),
      blocks_(make_blocks(weights, prefix, sizes)),
      proj_out_(make_projection(weights, prefix + ".proj_out", sizes)) {}

SpatialTransformer::Projection SpatialTransformer::make_projection(const Weights& weights,
                                                                   const std::string& prefix,
                                                                   const TransformerSizes& sizes) {
  if (sizes.linear_projections) {
    return Linear(weights, prefix, {.in = sizes.channels, .out = sizes.channels});
  }
  return Conv2d(weights, prefix, {.in = sizes.channels, .out = sizes.channels});
}

at::Tensor SpatialTransformer::operator()(const at::Tensor& x, const at::Tensor& context,
                                          std::int64_t norm_items) const {
  at::Tensor h = norm_(x, norm_items);
  const auto* linear_in = std::get_if<Linear>(&proj_in_);
  h = linear_in != nullptr ? (*linear_in)(to_tokens(h)) : to_tokens(std::get<Conv2d>(proj_in_)(h));
  for (const TransformerBlock& block : blocks_)
    h = block(h, context);
  const auto* linear_out = std::get_if<Linear>(&proj_out_);
  h = linear_out != nullptr ? to_image((*linear_out)(h), x)
                            : std::get<Conv2d>(proj_out_)(to_image(h, x));
  return h + x;
}

}  // namespace tandem::models
