// Attention over sequences of tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/layers/linear.hpp"

namespace tandem::models {

// Multi-head softmax(q k^T / sqrt(d)) v (Vaswani et al. 2017), d being the width of a head.
// q (n, tokens, heads * d); k, v (n, other tokens, heads * d); mask: added to the scores before the
// softmax, or boolean with true where a token may be seen; broadcast to (n, heads, tokens, other
// tokens). Returns q's shape and type.
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     std::int64_t heads, const std::optional<at::Tensor>& mask = std::nullopt);

// The same, computed in float32 whatever the type of q, k, v; the result has q's type.
at::Tensor attention_in_fp32(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                             std::int64_t heads);

struct AttentionSizes {
  std::int64_t width = 0;          // of the tokens that ask
  std::int64_t context_width = 0;  // of the tokens that are asked
  std::int64_t heads = 0;
  bool in_fp32 = false;
};

// Projections, attention, projection back. Tensors PREFIX.to_q, to_k, to_v (no bias) and to_out.0.
// Throws kMissingTensor, kBadShape.
class CrossAttention {
 public:
  CrossAttention(const Weights& weights, const std::string& prefix, const AttentionSizes& sizes);

  // x (n, tokens, width), context (n, other tokens, context_width) -> x's shape. Self-attention is
  // x as its own context. The keys are multiplied by key_scale.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& context,
                        double key_scale = 1.0) const;

 private:
  Linear to_q_;
  Linear to_k_;
  Linear to_v_;
  Linear to_out_;
  std::int64_t heads_;
  bool in_fp32_;
};

}  // namespace tandem::models
