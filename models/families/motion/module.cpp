#include "models/families/motion/module.hpp"

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr std::int64_t kGroups = 32;
constexpr double kNormEps = 1e-6;
// CUDA's attention takes at most 65535 sequences at a time.
constexpr std::int64_t kMaxSequences = 32768;

std::string block_of(const std::string& prefix) {
  return prefix + ".transformer_blocks.0";
}

// (passes * frames, channels, h, w) -> (passes * h * w, frames, channels)
at::Tensor to_sequences(const at::Tensor& x, std::int64_t frames) {
  return x.unflatten(0, {-1, frames}).permute({0, 3, 4, 1, 2}).flatten(0, 2).contiguous();
}

at::Tensor to_images(const at::Tensor& sequences, const at::Tensor& like, std::int64_t frames) {
  return sequences.unflatten(0, {like.size(0) / frames, like.size(2), like.size(3)})
      .permute({0, 3, 4, 1, 2})
      .flatten(0, 1)
      .contiguous(like.suggest_memory_format());
}

}  // namespace

MotionModule::MotionModule(const Weights& weights, const std::string& prefix,
                           const MotionSizes& sizes)
    : frames_(sizes.frames),
      norm_(weights, prefix + ".norm", kGroups, kNormEps, sizes.channels),
      proj_in_(weights, prefix + ".proj_in", {.in = sizes.channels, .out = sizes.channels}),
      feed_forward_norm_(weights, block_of(prefix) + ".ff_norm", 1e-5, sizes.channels),
      feed_forward_(weights, block_of(prefix) + ".ff", sizes.channels),
      proj_out_(weights, prefix + ".proj_out", {.in = sizes.channels, .out = sizes.channels}) {
  for (std::int64_t i = 0; i < sizes.attentions; ++i) {
    const std::string norm = block_of(prefix) + ".norms." + std::to_string(i);
    const std::string name = block_of(prefix) + ".attention_blocks." + std::to_string(i);
    attentions_.push_back(
        {LayerNorm(weights, norm, 1e-5, sizes.channels),
         weights.load(name + ".pos_encoder.pe", {1, sizes.frames, sizes.channels}),
         CrossAttention(weights, name, {sizes.channels, sizes.channels, kMotionHeads})});
  }
}

at::Tensor MotionModule::transform(at::Tensor tokens, double key_scale) const {
  tokens = proj_in_(tokens);
  for (const Attention& attention : attentions_) {
    const at::Tensor placed =
        attention.norm(tokens) + attention.positions.narrow(1, 0, tokens.size(1));
    tokens = attention.attend(placed, placed, key_scale) + tokens;
  }
  return proj_out_(feed_forward_(feed_forward_norm_(tokens)) + tokens);
}

at::Tensor MotionModule::run(const at::Tensor& x, const MotionInputs& inputs,
                             std::int64_t norm_items) const {
  const at::Tensor sequences = to_sequences(norm_(x, norm_items), inputs.frames);
  std::vector<at::Tensor> parts;
  for (const at::Tensor& part : sequences.split(kMaxSequences))
    parts.push_back(transform(part, inputs.scale));
  return to_images(parts.size() == 1 ? parts.front() : at::cat(parts), x, inputs.frames) + x;
}

at::Tensor MotionModule::operator()(const at::Tensor& x, const MotionInputs& inputs,
                                    std::int64_t norm_items) const {
  if (inputs.frames > frames_) {
    throw Error(ErrorCode::kBadRequest, "The motion module tells " + std::to_string(frames_) +
                                            " frames apart, it was given " +
                                            std::to_string(inputs.frames) + ".");
  }
  if (inputs.effect == 0.0) return x;
  const at::Tensor moved = run(x, inputs, norm_items);
  return inputs.effect == 1.0 ? moved : x * (1.0 - inputs.effect) + moved * inputs.effect;
}

}  // namespace tandem::models
