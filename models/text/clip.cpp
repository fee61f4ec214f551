#include "models/text/clip.hpp"

#include <utility>

#include <ATen/ATen.h>

#include "models/layers/attention.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

// How a layout names the parts outside of the attention's projections.
struct Names {
  const char* blocks;
  const char* norm1;
  const char* attention;
  const char* norm2;
  const char* fc1;
  const char* fc2;
  const char* final_norm;
  const char* tokens;
  const char* positions;
};

constexpr Names kTransformersNames = {
    .blocks = "text_model.encoder.layers.",
    .norm1 = "layer_norm1",
    .attention = "self_attn",
    .norm2 = "layer_norm2",
    .fc1 = "mlp.fc1",
    .fc2 = "mlp.fc2",
    .final_norm = "text_model.final_layer_norm",
    .tokens = "text_model.embeddings.token_embedding.weight",
    .positions = "text_model.embeddings.position_embedding.weight",
};

constexpr Names kOpenClipNames = {
    .blocks = "transformer.resblocks.",
    .norm1 = "ln_1",
    .attention = "attn",
    .norm2 = "ln_2",
    .fc1 = "mlp.c_fc",
    .fc2 = "mlp.c_proj",
    .final_norm = "ln_final",
    .tokens = "token_embedding.weight",
    .positions = "positional_embedding",
};

const Names& names_of(const ClipConfig& config) {
  return config.layout == ClipLayout::kOpenClip ? kOpenClipNames : kTransformersNames;
}

// OpenCLIP stores the three projections as one; PyTorch's MultiheadAttention puts them in this
// order.
std::array<Linear, 3> split_projections(const Weights& attention, std::int64_t width) {
  const auto weight = attention.load("in_proj_weight", {3 * width, width}).chunk(3);
  const auto bias = attention.load("in_proj_bias", {3 * width}).chunk(3);
  return {Linear(weight[0], bias[0]), Linear(weight[1], bias[1]), Linear(weight[2], bias[2])};
}

std::array<Linear, 3> load_projections(const Weights& block, const ClipConfig& config) {
  const Weights attention = block.under(std::string(names_of(config).attention) + ".");
  const std::int64_t width = config.hidden_size;
  if (config.layout == ClipLayout::kOpenClip) return split_projections(attention, width);
  const auto load = [&](const char* name) {
    return Linear(attention, name, {.in = width, .out = width});
  };
  return {load("q_proj"), load("k_proj"), load("v_proj")};
}

// OpenCLIP and ComfyUI's older saved encoders store the matrix transposed, without ".weight".
std::optional<Linear> load_text_projection(const Weights& weights, std::int64_t width) {
  if (const auto transposed = weights.try_load("text_projection", {width, -1})) {
    return Linear(transposed->t().contiguous(), std::nullopt);
  }
  if (!weights.contains("text_projection.weight")) return std::nullopt;
  return Linear(weights, "text_projection", {.in = width});
}

std::vector<ClipBlock> load_blocks(const Weights& weights, const ClipConfig& config) {
  std::vector<ClipBlock> blocks;
  for (std::int64_t i = 0; i < config.num_hidden_layers; ++i) {
    const std::string prefix = std::string(names_of(config).blocks) + std::to_string(i) + ".";
    blocks.emplace_back(weights.under(prefix), config);
  }
  return blocks;
}

at::Tensor load_token_embedding(const Weights& weights, const ClipConfig& config) {
  const char* name = names_of(config).tokens;
  at::Tensor tokens = weights.at(name).to(at::kCPU);
  if (tokens.dim() == 2 && tokens.size(1) == config.hidden_size) return tokens;
  throw Error(ErrorCode::kBadShape, "The tensor " + weights.full_name(name) +
                                        " must have two dimensions, the second of size " +
                                        std::to_string(config.hidden_size) + ".");
}

at::Tensor activate(const at::Tensor& x, ClipActivation activation) {
  return activation == ClipActivation::kQuickGelu ? x * at::sigmoid(1.702 * x) : at::gelu(x);
}

at::Tensor causal_mask(std::int64_t tokens, const at::Device& device) {
  return at::ones({tokens, tokens}, at::dtype(at::kBool).device(device)).tril();
}

}  // namespace

ClipBlock::ClipBlock(const Weights& block, const ClipConfig& config)
    : norm1_(block, names_of(config).norm1, 1e-5, config.hidden_size),
      query_key_value_(load_projections(block, config)),
      out_(block, std::string(names_of(config).attention) + ".out_proj",
           {.in = config.hidden_size, .out = config.hidden_size}),
      norm2_(block, names_of(config).norm2, 1e-5, config.hidden_size),
      fc1_(block, names_of(config).fc1,
           {.in = config.hidden_size, .out = config.intermediate_size}),
      fc2_(block, names_of(config).fc2,
           {.in = config.intermediate_size, .out = config.hidden_size}),
      heads_(config.num_attention_heads),
      activation_(config.hidden_act) {}

at::Tensor ClipBlock::operator()(const at::Tensor& x, const at::Tensor& mask) const {
  const at::Tensor h = norm1_(x);
  const auto& [query, key, value] = query_key_value_;
  const at::Tensor y = x + out_(attention(query(h), key(h), value(h), heads_, mask));
  return y + fc2_(activate(fc1_(norm2_(y)), activation_));
}

ClipTextModel::ClipTextModel(const Weights& weights, const ClipConfig& config)
    : tokens_(load_token_embedding(weights, config)),
      positions_(weights.load(names_of(config).positions, {-1, config.hidden_size})),
      blocks_(load_blocks(weights, config)),
      final_norm_(weights, names_of(config).final_norm, 1e-5, config.hidden_size),
      projection_(load_text_projection(weights, config.hidden_size)),
      eos_token_id_(config.eos_token_id) {}

at::Tensor ClipTextModel::embed(const at::Tensor& ids,
                                const std::vector<at::Tensor>& vectors) const {
  if (ids.dim() != 2 || ids.size(1) != positions()) {
    throw Error(ErrorCode::kBadShape, "CLIP takes chunks of " + std::to_string(positions()) +
                                          " tokens, but the ids have the shape " +
                                          c10::str(ids.sizes()) + ".");
  }
  const auto vocabulary = tokens_.size(0);
  const auto given = static_cast<std::int64_t>(vectors.size());
  if (ids.numel() > 0 && ((ids < -given) | (ids >= vocabulary)).any().item<bool>()) {
    throw Error(ErrorCode::kOutOfRange, "A token id must be from 0 to " +
                                            std::to_string(vocabulary - 1) +
                                            ", the last one that the text encoder has.");
  }
  at::Tensor rows = at::embedding(tokens_, ids.clamp_min(0)).to(positions_.scalar_type());
  const at::Tensor places = (ids < 0).nonzero();
  for (std::int64_t i = 0; i < places.size(0); ++i) {
    const auto chunk = places[i][0].item<std::int64_t>(), token = places[i][1].item<std::int64_t>();
    const auto id = ids[chunk][token].item<std::int64_t>();
    rows[chunk][token].copy_(vectors[static_cast<std::size_t>(-1 - id)]);
  }
  return rows.to(positions_.device()) + positions_;
}

// The index of the block that is asked for, or -1 where that is the normalised last one.
std::int64_t ClipTextModel::block_of(const ClipLayer& layer) const {
  const auto count = static_cast<std::int64_t>(blocks_.size());
  return layer.from_end && count + *layer.from_end >= 0 ? count + *layer.from_end : -1;
}

at::Tensor ClipTextModel::pool(const at::Tensor& ids, const at::Tensor& last) const {
  const at::Tensor is_end = ids == eos_token_id_;
  const at::Tensor first_end =
      at::where(is_end.any(1), is_end.to(at::kLong).argmax(1), ids.size(1) - 1);
  return last.index({at::arange(ids.size(0), last.device()), first_end.to(last.device())});
}

ClipOutput ClipTextModel::operator()(const at::Tensor& ids, const ClipLayer& layer,
                                     const std::vector<at::Tensor>& vectors) const {
  const std::int64_t wanted = block_of(layer);
  at::Tensor x = embed(ids, vectors);
  const at::Tensor mask = causal_mask(x.size(1), x.device());
  at::Tensor hidden;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i](x, mask);
    if (static_cast<std::int64_t>(i) == wanted) hidden = x;
  }
  const at::Tensor last = final_norm_(x);
  if (wanted < 0) {
    hidden = last;
  } else if (layer.normalise) {
    hidden = final_norm_(hidden);
  }
  return {hidden, pool(ids, last)};
}

std::optional<at::Tensor> ClipTextModel::project(const at::Tensor& pooled) const {
  if (!projection_) return std::nullopt;
  return (*projection_)(pooled);
}

}  // namespace tandem::models
