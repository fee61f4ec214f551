#include "models/patches/diffusers_names.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace tandem::models {
namespace {

using Renaming = std::pair<std::string_view, std::string_view>;  // stored, diffusers

constexpr std::array kResnetLayers = {
    Renaming{"in_layers.0", "norm1"},          Renaming{"in_layers.2", "conv1"},
    Renaming{"emb_layers.1", "time_emb_proj"}, Renaming{"out_layers.0", "norm2"},
    Renaming{"out_layers.3", "conv2"},         Renaming{"skip_connection", "conv_shortcut"},
};

constexpr std::array kSingleModules = {
    Renaming{"label_emb.0.0", "class_embedding.linear_1"},
    Renaming{"label_emb.0.2", "class_embedding.linear_2"},
    Renaming{"label_emb.0.0", "add_embedding.linear_1"},
    Renaming{"label_emb.0.2", "add_embedding.linear_2"},
    Renaming{"input_blocks.0.0", "conv_in"},
    Renaming{"out.0", "conv_norm_out"},
    Renaming{"out.2", "conv_out"},
    Renaming{"time_embed.0", "time_embedding.linear_1"},
    Renaming{"time_embed.2", "time_embedding.linear_2"},
};

// "4.1.proj_in" of "input_blocks.4.1.proj_in".
struct Place {
  std::size_t index = 0;
  std::string_view rest;
};

std::optional<Place> leading_number(std::string_view name) {
  Place place;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), place.index);
  const auto length = static_cast<std::size_t>(end - name.data());
  if (error != std::errc() || length >= name.size() || name[length] != '.') return std::nullopt;
  place.rest = name.substr(length + 1);
  return place;
}

// Level and position in it of a block, where level k has sizes[k] blocks.
std::optional<std::pair<std::size_t, std::size_t>> find_level(
    std::size_t block, const std::vector<std::int64_t>& res_blocks, bool reversed) {
  for (std::size_t level = 0; level < res_blocks.size(); ++level) {
    const std::size_t from = reversed ? res_blocks.size() - 1 - level : level;
    const auto size = static_cast<std::size_t>(res_blocks[from]) + 1;
    if (block < size) return std::pair(level, block);
    block -= size;
  }
  return std::nullopt;
}

std::optional<std::string> resnet_name(const std::string& module, std::string_view layer) {
  for (const auto& [stored, diffusers] : kResnetLayers) {
    if (layer == stored) return module + "." + std::string(diffusers);
  }
  return std::nullopt;
}

// A block of the way down or up: its residual block, its attention, or its change of resolution.
std::optional<std::string> block_name(std::string_view name, const UNetConfig& config, bool up) {
  const auto block = leading_number(name);
  const auto layer = block ? leading_number(block->rest) : std::nullopt;
  if (!layer || (!up && block->index == 0)) return std::nullopt;
  const auto level = find_level(block->index - (up ? 0 : 1), config.num_res_blocks, up);
  if (!level) return std::nullopt;
  const std::string module = (up ? "up_blocks." : "down_blocks.") + std::to_string(level->first);
  if (up && layer->index > 0 && layer->rest == "conv") return module + ".upsamplers.0.conv";
  if (!up && layer->rest == "op") return module + ".downsamplers.0.conv";
  const std::string position = "." + std::to_string(level->second);
  if (layer->index == 0) return resnet_name(module + ".resnets" + position, layer->rest);
  return module + ".attentions" + position + "." + std::string(layer->rest);
}

std::optional<std::string> middle_name(std::string_view name) {
  const auto layer = leading_number(name);
  if (!layer) return std::nullopt;
  if (layer->index == 1) return "mid_block.attentions.0." + std::string(layer->rest);
  return resnet_name(layer->index == 0 ? "mid_block.resnets.0" : "mid_block.resnets.1",
                     layer->rest);
}

std::optional<std::string_view> after(std::string_view name, std::string_view list) {
  if (!name.starts_with(list)) return std::nullopt;
  return name.substr(list.size());
}

}  // namespace

std::vector<std::string> diffusers_names(std::string_view stored, const UNetConfig& config) {
  std::vector<std::string> names;
  for (const auto& [single, diffusers] : kSingleModules) {
    if (stored == single) names.emplace_back(diffusers);
  }
  std::optional<std::string> name;
  if (const auto down = after(stored, "input_blocks.")) name = block_name(*down, config, false);
  if (const auto middle = after(stored, "middle_block.")) name = middle_name(*middle);
  if (const auto up = after(stored, "output_blocks.")) name = block_name(*up, config, true);
  if (name) names.push_back(*std::move(name));
  return names;
}

}  // namespace tandem::models
