// Sizes of a CLIP text transformer, as found in a checkpoint or in its model_config.
#pragma once

#include <cstdint>

namespace tandem::models {

enum class ClipActivation : std::uint8_t {
  kQuickGelu,  // x * sigmoid(1.702 x): OpenAI's CLIP-L
  kGelu,       // the exact one, with erf: OpenCLIP's G and H
};

// How the checkpoint names the transformer's weights, below the encoder's own prefix.
enum class ClipLayout : std::uint8_t {
  kTransformers,  // text_model.encoder.layers.N.self_attn.q_proj.weight, text_projection.weight
  kOpenClip,      // transformer.resblocks.N.attn.in_proj_weight, text_projection (transposed)
};

// The defaults are those of CLIP-L.
struct ClipConfig {
  std::int64_t hidden_size = 768;
  std::int64_t intermediate_size = 3072;
  std::int64_t num_hidden_layers = 12;
  std::int64_t num_attention_heads = 12;
  ClipActivation hidden_act = ClipActivation::kQuickGelu;
  std::int64_t eos_token_id = 49407;  // the pooled output is taken at its first place
  ClipLayout layout = ClipLayout::kTransformers;

  bool operator==(const ClipConfig&) const = default;
};

}  // namespace tandem::models
