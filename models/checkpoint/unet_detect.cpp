#include "models/checkpoint/unet_detect.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "models/families/unsupported.hpp"

namespace tandem::models {
namespace {

constexpr std::array<std::string_view, 2> kUNetPrefixes = {"model.diffusion_model.", ""};

const Family& family_of(const ModelSource& source, const std::string& prefix,
                        const UNetConfig& unet) {
  if (unet.in_channels == 4 || unet.in_channels == 9) {
    if (source.config && source.config->unet) {
      const Family* family = find_family(source.config->family);
      if (family != nullptr) return *family;
      refuse_family(source, "Its model_config names the family '" + source.config->family +
                                "', which Tandem does not know.");
    }
  }
  if (const auto name = name_unsupported_unet(source.header(), prefix, unet)) {
    refuse_by_name(source, *name);
  }
  for (const Family* family : families()) {
    if (family->matches(unet) && (unet.in_channels == 4 || unet.in_channels == 9)) return *family;
  }
  refuse_family(source, "Its UNet (" + std::to_string(unet.in_channels) + " input channels, " +
                            std::to_string(unet.model_channels) + " model channels, context of " +
                            std::to_string(unet.context_dim) +
                            ") is of no family that Tandem knows, and it has no model_config.");
}

// Narrower heads have no fast kernel.
constexpr std::int64_t kNarrowestHead = 8;

bool has_room_for(std::int64_t heads, const UNetConfig& unet) {
  const auto narrowest = std::min_element(unet.channel_mult.begin(), unet.channel_mult.end());
  return narrowest != unet.channel_mult.end() &&
         *narrowest * unet.model_channels >= heads * kNarrowestHead;
}

// ComfyUI computes a family that counts heads with the family's number, whatever a file's config
// says of num_heads (unet_extra_config in its supported_models). Its numbers are ours, so the
// file's own counts only where the family's would cut heads too narrow; num_head_channels always
// does.
void prefer_heads_of(const Family& family, UNetConfig& unet) {
  const bool counted = family.num_heads > 0 && unet.num_head_channels <= 0;
  if (counted && has_room_for(family.num_heads, unet)) unet.num_heads = family.num_heads;
}

// The sizes that shapes tell, completed by those that they do not.
UNetConfig complete_unet(const ModelSource& source, const Family& family, UNetConfig detected) {
  detected.attention_in_fp32 = family.attention_in_fp32;
  detected.num_heads = family.num_heads;
  detected.num_head_channels = family.num_head_channels;
  if (source.config && source.config->unet) {
    UNetConfig named = *source.config->unet;
    named.attention_in_fp32 = detected.attention_in_fp32;
    detected.num_heads = named.num_heads;
    detected.num_head_channels = named.num_head_channels;
    if (!(named == detected)) {
      refuse_sizes(source, "the UNet's sizes in model_config are not those of its tensors.");
    }
    check_unet(detected, source.path());
    prefer_heads_of(family, detected);
  }
  check_unet(detected, source.path());
  return detected;
}

std::string_view dtype_name(DType dtype) {
  if (dtype == DType::kF16) return "fp16";
  if (dtype == DType::kBF16) return "bf16";
  return dtype == DType::kF32 ? "fp32" : "other";
}

// What most bytes below the prefix are stored as.
std::string most_common_dtype(const SafetensorsHeader& header, const std::string& prefix) {
  std::map<std::string_view, std::uint64_t> bytes;
  for (auto it = header.tensors.lower_bound(prefix);
       it != header.tensors.end() && it->first.starts_with(prefix); ++it) {
    bytes[dtype_name(it->second.layout.dtype)] += it->second.end - it->second.begin;
  }
  const auto most = std::max_element(
      bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == bytes.end() ? "" : std::string(most->first);
}

void fill_unet_info(const ModelSource& source, const UNetPart& part, const Family& family,
                    ModelInfo& info) {
  info.family = family.name;
  info.display_name = family.display_name;
  info.latent = family.latent;
  info.sigmas = family.sigmas(source.file, part.prefix);
  if (source.config && source.config->parameterization) {
    info.sigmas.parameterization = *source.config->parameterization;
  }
  if (source.config && source.config->latent_scale)
    info.latent.scale = *source.config->latent_scale;
  info.has_unet = true;
  info.unet_in_channels = static_cast<int>(part.config.in_channels);
  info.context_width = static_cast<int>(part.config.context_dim);
  if (family.vector_condition == VectorCondition::kPooledAndSizes) {
    info.pooled_width =
        static_cast<int>(part.config.adm_in_channels - kSizeCount * kSizeEmbeddingWidth);
  }
  info.weight_dtype = most_common_dtype(source.header(), part.prefix);
}

void check_vector_width(const ModelSource& source, const Inspection& found) {
  const bool wants = found.family->vector_condition != VectorCondition::kNone;
  const std::int64_t width = found.unet->config.adm_in_channels;
  if (wants ? found.info.pooled_width <= 0 : width != 0) {
    refuse_sizes(source, "the UNet's vector condition is " + std::to_string(width) +
                             " wide, which does not fit " + found.info.display_name + ".");
  }
}

}  // namespace

void inspect_unet(const ModelSource& source, Inspection& found) {
  for (const std::string_view candidate : kUNetPrefixes) {
    const std::string prefix(candidate);
    const std::optional<UNetConfig> detected = detect_unet(source.header(), prefix);
    if (!detected) continue;
    found.family = &family_of(source, prefix, *detected);
    found.unet = {source.path(), prefix, complete_unet(source, *found.family, *detected)};
    fill_unet_info(source, *found.unet, *found.family, found.info);
    check_vector_width(source, found);
    return;
  }
  refuse_without(source, "a diffusion model");
}

}  // namespace tandem::models
