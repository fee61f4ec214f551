#include "models/checkpoint/upscale_detect.hpp"

#include <string>

#include "models/checkpoint/key_scan.hpp"
#include "models/families/unsupported.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr std::int64_t kMaxBlocks = 256;
constexpr std::int64_t kMaxUpsamples = 4;
constexpr std::int64_t kMaxChannels = 4096;
constexpr std::int64_t kKernel = 3;

std::optional<RrdbNaming> naming_of(const SafetensorsHeader& header) {
  for (const RrdbNaming naming : {RrdbNaming::kSequential, RrdbNaming::kTrunk, RrdbNaming::kBody}) {
    RrdbConfig config;
    config.naming = naming;
    const std::string first = RrdbNames(config).dense(0, 1, 1) + ".weight";
    if (header.find(first) != nullptr) return naming;
  }
  return std::nullopt;
}

std::int64_t count_rrdb_blocks(const SafetensorsHeader& header, RrdbNaming naming) {
  switch (naming) {
    case RrdbNaming::kSequential:
      // The last of these is the convolution behind the blocks.
      return count_blocks(header, "model.1.sub.") - 1;
    case RrdbNaming::kTrunk:
      return count_blocks(header, "RRDB_trunk.");
    case RrdbNaming::kBody:
      break;
  }
  return count_blocks(header, "body.");
}

// As many as there are names of. Sequential files tell it by the number of their last module.
std::int64_t count_upsamples(const SafetensorsHeader& header, RrdbConfig config) {
  config.upsamples = kMaxUpsamples + 1;
  const RrdbNames names(config);
  if (config.naming != RrdbNaming::kSequential) {
    std::int64_t count = 0;
    while (count <= kMaxUpsamples &&
           header.find(names.ups[static_cast<std::size_t>(count)] + ".weight") != nullptr)
      ++count;
    return count;
  }
  while (config.upsamples > 0 && header.find(RrdbNames(config).last + ".weight") == nullptr)
    --config.upsamples;
  return config.upsamples;
}

// 1 where the input is a picture; Real-ESRGAN's x2 and x1 take its pixels unshuffled.
std::int64_t unshuffle_of(std::int64_t in_channels) {
  if (in_channels == 4 * kRrdbColours) return 2;
  return in_channels == 16 * kRrdbColours ? 4 : 1;
}

void check_sizes(const ModelSource& source, const RrdbConfig& config) {
  const auto within = [](std::int64_t size, std::int64_t most) {
    return size >= 1 && size <= most;
  };
  const bool is_good = within(config.num_blocks, kMaxBlocks) &&
                       within(config.num_filters, kMaxChannels) &&
                       within(config.growth, kMaxChannels) && config.upsamples <= kMaxUpsamples &&
                       config.scale() >= 1;
  if (is_good) return;
  refuse_sizes(source, "An upscale model has 1 to " + std::to_string(kMaxBlocks) +
                           " blocks and at most " + std::to_string(kMaxUpsamples) +
                           " upsamplings; this one has " + std::to_string(config.num_blocks) +
                           " and " + std::to_string(config.upsamples) + ".");
}

void check_layer(const ModelSource& source, const RrdbLayer& layer) {
  const std::string name = layer.name + ".weight";
  const SafetensorsEntry* entry = source.header().find(name);
  const std::vector<std::int64_t> expected = {layer.out, layer.in, kKernel, kKernel};
  if (entry != nullptr && entry->layout.shape == expected) return;
  refuse_sizes(source, "Tensor '" + name + "' should be the " + std::to_string(layer.in) + " to " +
                           std::to_string(layer.out) +
                           " channels of a 3 x 3 convolution of an RRDBNet for pictures of 3 "
                           "colours; it " +
                           (entry == nullptr ? "is not there." : "has another shape."));
}

[[noreturn]] void refuse_architecture(const ModelSource& source) {
  const auto name = name_unsupported_file(source.header());
  throw Error(ErrorCode::kUnknownFamily,
              "'" + source.path() + "': " +
                  (name ? "This is " + *name + ", not an upscale model that Tandem runs."
                        : "It holds no upscale model that Tandem knows."),
              "This version runs models of the ESRGAN family (RRDBNet): ESRGAN, BSRGAN, "
              "Real-ESRGAN.",
              source.path());
}

}  // namespace

std::optional<RrdbConfig> detect_rrdb(const SafetensorsHeader& header) {
  const std::optional<RrdbNaming> naming = naming_of(header);
  // Relatives with layers that this network lacks.
  const bool is_plus = header.find("model.1.sub.0.RDB1.conv1x1.weight") != nullptr;
  const bool is_spsr = header.find("f_HR_conv1.0.weight") != nullptr;
  const bool is_modulated = header.find("am_list.0.fc.0.weight") != nullptr;
  if (!naming || is_plus || is_spsr || is_modulated) return std::nullopt;
  RrdbConfig config;
  config.naming = *naming;
  config.num_blocks = count_rrdb_blocks(header, *naming);
  const RrdbNames names(config);
  config.num_filters = size_of_tensor(header, names.first + ".weight", 0);
  config.unshuffle = unshuffle_of(size_of_tensor(header, names.first + ".weight", 1));
  config.growth = size_of_tensor(header, names.dense(0, 1, 1) + ".weight", 0);
  config.upsamples = count_upsamples(header, config);
  return config;
}

void inspect_upscale(const ModelSource& source, Inspection& found) {
  const std::optional<RrdbConfig> config = detect_rrdb(source.header());
  if (!config) refuse_architecture(source);
  check_sizes(source, *config);
  for (const RrdbLayer& layer : rrdb_layers(*config))
    check_layer(source, layer);
  found.upscale = UpscalePart{source.path(), *config};
  found.info.upscale = static_cast<int>(config->scale());
}

}  // namespace tandem::models
