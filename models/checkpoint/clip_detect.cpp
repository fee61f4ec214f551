#include "models/checkpoint/clip_detect.hpp"

#include "models/checkpoint/key_scan.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr std::int64_t kHeadWidth = 64;

// Where each key layout has what detection looks at.
struct LayoutKeys {
  ClipLayout layout;
  std::string_view tokens;
  std::string_view layers;
  std::string_view inner;  // in a layer
};

constexpr LayoutKeys kTransformersKeys = {ClipLayout::kTransformers,
                                          "text_model.embeddings.token_embedding.weight",
                                          "text_model.encoder.layers.", "mlp.fc1.weight"};
constexpr LayoutKeys kOpenClipKeys = {ClipLayout::kOpenClip, "token_embedding.weight",
                                      "transformer.resblocks.", "mlp.c_fc.weight"};

std::string key_at(const EncoderPlace& place, std::string_view key) {
  constexpr std::string_view kPart = "text_model.";
  if (place.omits_text_model && key.starts_with(kPart)) key.remove_prefix(kPart.size());
  return std::string(place.prefix) + std::string(key);
}

std::optional<ClipConfig> detect_layout(const SafetensorsHeader& header, const EncoderPlace& place,
                                        const LayoutKeys& keys) {
  const std::string layers = key_at(place, keys.layers);
  ClipConfig config;
  config.layout = keys.layout;
  config.hidden_size = size_of_tensor(header, key_at(place, keys.tokens), 1);
  config.num_hidden_layers = count_blocks(header, layers);
  config.intermediate_size = size_of_tensor(header, layers + "0." + std::string(keys.inner), 0);
  config.num_attention_heads = std::max<std::int64_t>(1, config.hidden_size / kHeadWidth);
  if (config.hidden_size <= 0 || config.intermediate_size <= 0) return std::nullopt;
  return config;
}

}  // namespace

std::optional<ClipConfig> detect_clip(const SafetensorsHeader& header, const EncoderPlace& place) {
  if (auto config = detect_layout(header, place, kTransformersKeys)) return config;
  return detect_layout(header, place, kOpenClipKeys);
}

std::string_view section_of(const ClipConfig& config) {
  if (config.num_hidden_layers > 30) return "g";
  return config.num_hidden_layers > 22 ? "h" : "l";
}

ClipConfig complete_clip(const ClipConfig& detected, const ClipConfig& known,
                         const std::string& file) {
  const bool agree = detected.hidden_size == known.hidden_size &&
                     detected.num_hidden_layers == known.num_hidden_layers &&
                     detected.intermediate_size == known.intermediate_size;
  const std::int64_t heads = known.num_attention_heads;
  if (!agree || heads <= 0 || known.hidden_size % heads != 0) {
    throw Error(ErrorCode::kBadCheckpoint,
                "'" + file + "': its text encoder should have " +
                    std::to_string(known.num_hidden_layers) + " layers of width " +
                    std::to_string(known.hidden_size) + " (inside " +
                    std::to_string(known.intermediate_size) + ") with " + std::to_string(heads) +
                    " heads; its tensors say " + std::to_string(detected.num_hidden_layers) +
                    " layers of width " + std::to_string(detected.hidden_size) + " (inside " +
                    std::to_string(detected.intermediate_size) + ").",
                {}, file);
  }
  ClipConfig complete = known;
  complete.layout = detected.layout;
  return complete;
}

}  // namespace tandem::models
