// How LoRA files name the weights of a model: the spellings that are published, and what each
// means. Names only, without LibTorch: the coordinator tells with it which keys of a file match
// nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "models/checkpoint/detect.hpp"

namespace tandem::models {

// Rows of a weight that a file speaks of by a name of their own.
struct RowRange {
  std::int64_t first = 0;
  std::int64_t count = 0;

  auto operator<=>(const RowRange&) const = default;
};

// A weight below its part's prefix, as the layers ask for it.
struct PatchTarget {
  std::string weight;
  std::string bias;              // beside it; empty where the checkpoint has none
  std::optional<RowRange> rows;  // of both: OpenCLIP's q, k and v lie in one tensor
  bool transposed = false;       // the checkpoint stores it so
};

// By the name without what a delta's format appends: "lora_unet_input_blocks_1_1_proj_in".
using LoraKeys = std::map<std::string, PatchTarget, std::less<>>;

// Spellings of the UNet's weights: kohya's "lora_unet_..." over stored and diffusers' names,
// LyCORIS' "lycoris_...", diffusers' own with and without "unet.", and "diffusion_model...." as
// stored. names: of the tensors below the UNet's prefix.
LoraKeys unet_lora_keys(const std::vector<std::string>& names, const UNetConfig& config);

// Spellings of one text encoder's weights: "lora_te_...", "lora_te1_...", "lora_te2_...",
// "text_encoder....", "text_encoder_2....", "text_encoders....". names: of the tensors below the
// encoder's prefix. has_clip_l: the model has a CLIP-L, so that G is its second encoder.
LoraKeys clip_lora_keys(const std::vector<std::string>& names, const EncoderPart& part,
                        bool has_clip_l);

}  // namespace tandem::models
