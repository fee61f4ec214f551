// What tells one model family from the others, as far as no tensor arithmetic is needed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/checkpoint/header_file.hpp"
#include "models/families/latent_colours.hpp"
#include "models/families/unet/config.hpp"
#include "models/text/clip_config.hpp"
#include "protocol/model_info.hpp"

namespace tandem::models {

// Where a checkpoint of the family keeps a text encoder.
struct EncoderPlace {
  std::string_view prefix;
  bool omits_text_model = false;  // old files leave "text_model." out of the names
};

struct EncoderSlot {
  std::string_view section;  // "l", "g", "h"
  ClipConfig published;
  std::vector<EncoderPlace> places;
};

// What the network is given beside the text's tokens.
enum class VectorCondition : std::uint8_t {
  kNone,
  kPooledAndSizes,  // pooled text and six sizes, each a sinusoidal embedding
};

inline constexpr std::int64_t kSizeEmbeddingWidth = 256;
inline constexpr std::int64_t kSizeCount = 6;

struct Family {
  std::string_view name;          // in model_config and ModelInfo
  std::string_view display_name;  // in messages
  LatentFormat latent;
  LatentColours colours;  // of previews
  // What shapes do not tell of a published model's UNet.
  std::int64_t num_heads = -1;
  std::int64_t num_head_channels = -1;
  bool attention_in_fp32 = false;
  VectorCondition vector_condition = VectorCondition::kNone;
  std::vector<EncoderSlot> encoders;  // in the order in which their outputs are joined
  // Whether a UNet of these sizes, with published numbers of channels, is of this family.
  bool (*matches)(const UNetConfig& unet) = nullptr;
  // The training's sigmas, as far as the checkpoint tells; `prefix` is the UNet's.
  SigmaParameters (*sigmas)(const HeaderFile& file, const std::string& prefix) = nullptr;
};

// THE list of families: a new one is a folder beside this file and a row in families.cpp.
std::span<const Family* const> families();

// nullptr where there is no family of that name.
const Family* find_family(std::string_view name);

// "Stable Diffusion 1.x, Stable Diffusion 2.x and ...", for messages.
std::string family_names();

}  // namespace tandem::models
