#include "models/checkpoint/encoder_detect.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "models/checkpoint/clip_detect.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr std::array<std::string_view, 6> kEncoderPrefixes = {
    "",      "transformer.", "clip_l.transformer.", "clip_g.transformer.", "clip_h.transformer.",
    "model."};

ClipConfig complete_encoder(const ModelSource& source, const std::string& section,
                            const ClipConfig& published, const ClipConfig& detected) {
  if (source.config) {
    const auto named = source.config->clip.find(section);
    if (named != source.config->clip.end()) {
      return complete_clip(detected, named->second, source.path());
    }
  }
  return complete_clip(detected, published, source.path());
}

// What a slot of that section holds in published models.
const ClipConfig& published_clip(std::string_view section) {
  for (const Family* family : families()) {
    for (const EncoderSlot& slot : family->encoders) {
      if (slot.section == section) return slot.published;
    }
  }
  throw Error(ErrorCode::kInternal, "No family has the section '" + std::string(section) + "'.");
}

std::string section_of_file(const ModelSource& source, const ClipConfig& detected) {
  if (source.config && source.config->clip.size() == 1) return source.config->clip.begin()->first;
  return std::string(section_of(detected));
}

EncoderPart read_encoder_file(const ModelSource& source) {
  for (const std::string_view prefix : kEncoderPrefixes) {
    const std::optional<ClipConfig> detected = detect_clip(source.header(), {prefix});
    if (!detected) continue;
    const std::string section = section_of_file(source, *detected);
    const bool named = source.config && source.config->clip.contains(section);
    const ClipConfig published = named ? ClipConfig{} : published_clip(section);
    return {section, source.path(), std::string(prefix), false,
            complete_encoder(source, section, published, *detected)};
  }
  refuse_without(source, "a text encoder");
}

std::size_t slot_index(const Family& family, const EncoderPart& part) {
  for (std::size_t i = 0; i < family.encoders.size(); ++i) {
    if (family.encoders[i].section == part.section) return i;
  }
  throw Error(ErrorCode::kBadCheckpoint,
              "'" + part.file + "' is the text encoder '" + part.section + "', which " +
                  std::string(family.display_name) + " does not have.",
              {}, part.file);
}

}  // namespace

void inspect_encoders(const ModelSource& source, Inspection& found) {
  for (const EncoderSlot& slot : found.family->encoders) {
    const std::string section(slot.section);
    for (const EncoderPlace& place : slot.places) {
      const std::optional<ClipConfig> detected = detect_clip(source.header(), place);
      if (!detected) continue;
      found.encoders.push_back({section, source.path(), std::string(place.prefix),
                                place.omits_text_model,
                                complete_encoder(source, section, slot.published, *detected)});
      break;
    }
  }
}

void inspect_encoder_file(const ModelSource& source, Inspection& found) {
  EncoderPart part = read_encoder_file(source);
  std::erase_if(found.encoders,
                [&](const EncoderPart& other) { return other.section == part.section; });
  found.encoders.push_back(std::move(part));
}

void order_encoders(Inspection& found) {
  // Without a diffusion model the order is that of SDXL, the one family with two encoders.
  const auto position = [&](const EncoderPart& part) {
    return found.family != nullptr ? slot_index(*found.family, part)
                                   : std::size_t{part.section != "l"};
  };
  for (const EncoderPart& part : found.encoders)
    (void)position(part);
  std::stable_sort(
      found.encoders.begin(), found.encoders.end(),
      [&](const EncoderPart& a, const EncoderPart& b) { return position(a) < position(b); });
  int width = 0;
  for (const EncoderPart& part : found.encoders) {
    const int part_width = static_cast<int>(part.config.hidden_size);
    found.info.text_encoders.push_back({part.section, part_width});
    width += part_width;
  }
  const bool complete =
      found.family != nullptr && found.encoders.size() == found.family->encoders.size();
  if (complete && width != found.info.context_width) {
    throw Error(ErrorCode::kBadCheckpoint, "The text encoders are " + std::to_string(width) +
                                               " wide together; the diffusion model takes " +
                                               std::to_string(found.info.context_width) + ".");
  }
}

}  // namespace tandem::models
