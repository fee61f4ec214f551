#include "models/checkpoint/motion_detect.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "models/checkpoint/key_scan.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr std::int64_t kMaxFrames = 4096;
constexpr std::int64_t kMaxAttentions = 8;
constexpr std::int64_t kNormGroups = 32;
constexpr std::string_view kFamily = "sd15";

// AnimateDiff's training saves its modules below the second.
constexpr std::array<std::string_view, 2> kPrefixes = {"", "module."};

// Models that are built around AnimateDiff's modules and need more than those.
struct Relative {
  std::string_view key;
  std::string_view name;
};

constexpr std::array kRelatives = {
    Relative{"conv_in.weight", "a PIA model"},
    Relative{"fps_embedding.linear.weight", "a FancyVideo model"},
    Relative{"img_encoder.", "an AnimateLCM-I2V model"},
    Relative{"down_blocks.0.motion_modules.0.temporal_transformer.transformer_blocks.0."
             "cc_projection.weight",
             "a MotionCtrl model"},
    Relative{"down_blocks.0.motion_modules.0.transformer_blocks.0.pos_embed.pe",
             "a motion adapter in diffusers' layout"},
    Relative{"down_blocks.0.temporal_attentions.0.norm.weight",
             "a HotshotXL motion module, for Stable Diffusion XL"},
};

void refuse_relatives(const ModelSource& source) {
  for (const Relative& relative : kRelatives) {
    if (has_prefix(source.header(), relative.key))
      refuse_by_name(source, std::string(relative.name));
  }
  // Its modules have no positions.
  if (has_prefix(source.header(), motion_module_name("down_blocks", 0, 0)) &&
      !has_prefix(source.header(), motion_module_name("down_blocks", 0, 0) +
                                       ".transformer_blocks.0.attention_blocks.0.pos_encoder.")) {
    refuse_by_name(source, "an AnimateLCM motion module");
  }
}

void check_sizes(const ModelSource& source, const MotionConfig& motion) {
  if (motion.frames < 1 || motion.frames > kMaxFrames) {
    refuse_sizes(source, "the motion modules should encode 1 to " + std::to_string(kMaxFrames) +
                             " positions, they encode " + std::to_string(motion.frames) + ".");
  }
  if (motion.attentions < 1 || motion.attentions > kMaxAttentions) {
    refuse_sizes(source, "the motion modules should have 1 to " + std::to_string(kMaxAttentions) +
                             " attentions, they have " + std::to_string(motion.attentions) + ".");
  }
  for (const std::int64_t channels : motion.channels) {
    // The heads divide the groups, so they divide the channels too.
    if (channels > 0 && channels % kNormGroups == 0) continue;
    refuse_sizes(source, "the motion modules should have a multiple of 32 channels, one has " +
                             std::to_string(channels) + ".");
  }
}

std::string list_of(const std::vector<std::int64_t>& numbers) {
  std::string text;
  for (const std::int64_t number : numbers)
    text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

std::vector<std::int64_t> channels_of(const UNetConfig& unet) {
  std::vector<std::int64_t> channels;
  for (const std::int64_t mult : unet.channel_mult)
    channels.push_back(mult * unet.model_channels);
  return channels;
}

[[noreturn]] void refuse_family_of(const ModelSource& source, const Inspection& found) {
  throw Error(
      ErrorCode::kUnsupported,
      "'" + source.path() +
          "': AnimateDiff's motion modules are for Stable Diffusion 1.x; the job's model " +
          (found.family == nullptr ? "has no diffusion model" : "is " + found.info.display_name) +
          ".",
      "Choose a checkpoint of Stable Diffusion 1.x, or leave the motion out.", "motion.file");
}

void check_fits(const ModelSource& source, const MotionConfig& motion, const UNetConfig& unet) {
  const std::vector<std::int64_t> channels = channels_of(unet);
  const bool has_blocks = std::ranges::all_of(
      unet.num_res_blocks, [](std::int64_t blocks) { return blocks == kMotionModulesDown; });
  if (channels == motion.channels && has_blocks) return;
  refuse_sizes(source, "the motion modules are for a UNet of two blocks in each of the levels " +
                           list_of(motion.channels) + "; the model's levels are " +
                           list_of(channels) + " with " + list_of(unet.num_res_blocks) +
                           " blocks.");
}

}  // namespace

void inspect_motion(const ModelSource& source, Inspection& found) {
  refuse_relatives(source);
  for (const std::string_view candidate : kPrefixes) {
    const std::string prefix(candidate);
    const std::optional<MotionConfig> motion = detect_motion(source.header(), prefix);
    if (!motion) continue;
    if (found.family == nullptr || found.family->name != kFamily) refuse_family_of(source, found);
    check_sizes(source, *motion);
    check_fits(source, *motion, found.unet->config);
    found.motion = {source.path(), prefix, *motion};
    found.info.motion_frames = static_cast<int>(motion->frames);
    return;
  }
  refuse_without(source, "a motion module");
}

}  // namespace tandem::models
