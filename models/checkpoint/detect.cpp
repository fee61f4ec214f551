#include "models/checkpoint/detect.hpp"

#include <array>
#include <string_view>

#include "models/checkpoint/encoder_detect.hpp"
#include "models/checkpoint/model_source.hpp"
#include "models/checkpoint/motion_detect.hpp"
#include "models/checkpoint/unet_detect.hpp"
#include "models/checkpoint/upscale_detect.hpp"
#include "models/checkpoint/vae_detect.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr std::array<std::string_view, 3> kVaePrefixes = {"first_stage_model.", "vae.", ""};

std::optional<VaePart> find_vae(const ModelSource& source) {
  for (const std::string_view candidate : kVaePrefixes) {
    const std::string prefix(candidate);
    const std::optional<VaeConfig> detected = detect_vae(source.header(), prefix);
    if (!detected) continue;
    check_vae(*detected, source.config ? source.config->vae : std::nullopt, source.path());
    return VaePart{source.path(), prefix, *detected};
  }
  return std::nullopt;
}

void inspect_vae_file(const ModelSource& source, Inspection& found) {
  found.vae = find_vae(source);
  if (found.vae) return;
  refuse_without(source, "a VAE");
}

void check_vae_fits(Inspection& found) {
  if (!found.vae) return;
  found.info.has_vae = true;
  const int channels = static_cast<int>(found.vae->config.z_channels);
  if (found.family == nullptr) {
    found.info.latent.channels = channels;
    found.info.latent.downscale = 1 << (found.vae->config.ch_mult.size() - 1);
  } else if (channels != found.info.latent.channels) {
    throw Error(ErrorCode::kBadCheckpoint,
                "'" + found.vae->file + "' is a VAE of " + std::to_string(channels) +
                    " latent channels; " + found.info.display_name + " has " +
                    std::to_string(found.info.latent.channels) + ".",
                {}, found.vae->file);
  }
}

std::uint64_t tensor_bytes(const SafetensorsHeader& header) {
  std::uint64_t bytes = 0;
  for (const auto& [name, entry] : header.tensors)
    bytes += entry.end - entry.begin;
  return bytes;
}

std::uint64_t count_numbers(const SafetensorsHeader& header, const std::string& prefix) {
  std::uint64_t count = 0;
  for (auto it = header.tensors.lower_bound(prefix);
       it != header.tensors.end() && it->first.starts_with(prefix); ++it) {
    count += element_count(it->second.layout);
  }
  return count;
}

void record_sizes(const ModelSource& source, Inspection& found) {
  const auto count = [&](const std::string& file, const std::string& prefix) {
    return file == source.path() ? count_numbers(source.header(), prefix) : 0;
  };
  PartSizes& sizes = found.info.sizes;
  if (found.unet) sizes.unet += count(found.unet->file, found.unet->prefix);
  if (found.motion) sizes.unet += count(found.motion->file, found.motion->prefix);
  if (found.vae) sizes.vae += count(found.vae->file, found.vae->prefix);
  if (found.upscale) sizes.upscale += count(found.upscale->file, "");
  for (const EncoderPart& encoder : found.encoders)
    sizes.text += count(encoder.file, encoder.prefix);
}

void record(const ModelSource& source, Inspection& found) {
  found.files.push_back(source.file.stamp());
  found.info.bytes += tensor_bytes(source.header());
  record_sizes(source, found);
}

}  // namespace

Inspection inspect_model(const ModelSpec& spec) {
  Inspection found;
  if (!spec.file.empty()) {
    const ModelSource source(spec.file);
    inspect_unet(source, found);
    inspect_encoders(source, found);
    if (spec.vae.empty()) found.vae = find_vae(source);
    record(source, found);
  }
  if (!spec.motion.empty()) {
    const ModelSource source(spec.motion);
    inspect_motion(source, found);
    record(source, found);
  }
  if (!spec.vae.empty()) {
    const ModelSource source(spec.vae);
    inspect_vae_file(source, found);
    record(source, found);
  }
  for (const std::string& path : spec.text_encoders) {
    const ModelSource source(path);
    inspect_encoder_file(source, found);
    record(source, found);
  }
  if (!spec.upscale.empty()) {
    const ModelSource source(spec.upscale);
    inspect_upscale(source, found);
    record(source, found);
  }
  order_encoders(found);
  check_vae_fits(found);
  return found;
}

}  // namespace tandem::models
