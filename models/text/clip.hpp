// CLIP's text transformer (Radford et al., "Learning Transferable Visual Models From Natural
// Language Supervision", 2021): causal, pre-norm, with learned positions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/layers/linear.hpp"
#include "models/layers/norm.hpp"
#include "models/text/clip_config.hpp"

namespace tandem::models {

// Which block's output is the encoding of a text.
struct ClipLayer {
  // Counted from the end: -1 is the last block, -2 the one before it. Nothing, or a block that is
  // not there, means the last block, always normalised.
  std::optional<int> from_end;
  // Whether the final norm is applied to the output of the block that `from_end` names.
  bool normalise = true;
};

struct ClipOutput {
  at::Tensor hidden;  // (n, tokens, hidden_size)
  at::Tensor pooled;  // (n, hidden_size): the normalised last output at the first end token, else
                      // at the last token
};

// One residual block: attention, then the feed-forward part.
class ClipBlock {
 public:
  // `weights` are those of the block alone.
  ClipBlock(const Weights& weights, const ClipConfig& config);

  // x (n, tokens, hidden_size), mask (tokens, tokens) boolean, true where a token may be seen ->
  // x's shape
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& mask) const;

 private:
  LayerNorm norm1_;
  std::array<Linear, 3> query_key_value_;
  Linear out_;
  LayerNorm norm2_;
  Linear fc1_, fc2_;
  std::int64_t heads_;
  ClipActivation activation_;
};

// Tensors as ClipLayout says, below `weights`. Computes in the weights' type on their device; the
// token embeddings stay as stored, on the CPU, for a prompt needs few of them. The constructor
// throws kMissingTensor, kBadShape.
class ClipTextModel {
 public:
  ClipTextModel(const Weights& weights, const ClipConfig& config);

  // ids (n, tokens) int64 on the CPU, tokens being positions(); id -1 - i is vector i of `vectors`,
  // (hidden_size). Throws kBadShape; kOutOfRange for an id that the embeddings do not have.
  ClipOutput operator()(const at::Tensor& ids, const ClipLayer& layer,
                        const std::vector<at::Tensor>& vectors = {}) const;

  // (n, hidden_size) -> (n, projection width); nothing where the checkpoint has no projection.
  std::optional<at::Tensor> project(const at::Tensor& pooled) const;

  std::int64_t positions() const { return positions_.size(0); }
  std::int64_t width() const { return tokens_.size(1); }

 private:
  at::Tensor embed(const at::Tensor& ids, const std::vector<at::Tensor>& vectors) const;
  std::int64_t block_of(const ClipLayer& layer) const;
  at::Tensor pool(const at::Tensor& ids, const at::Tensor& last) const;

  at::Tensor tokens_;     // (vocabulary, hidden_size)
  at::Tensor positions_;  // (positions, hidden_size)
  std::vector<ClipBlock> blocks_;
  LayerNorm final_norm_;
  std::optional<Linear> projection_;
  std::int64_t eos_token_id_;
};

}  // namespace tandem::models
