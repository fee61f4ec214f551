#include "models/patches/lora_keys.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "models/patches/diffusers_names.hpp"

namespace tandem::models {
namespace {

constexpr std::string_view kWeight = ".weight";
constexpr std::string_view kTextModel = "text_model.";

using Names = std::set<std::string, std::less<>>;

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string underscored(std::string_view name) {
  return replace_all(std::string(name), ".", "_");
}

std::string if_there(const Names& names, std::string name) {
  return names.contains(name) ? std::move(name) : std::string();
}

// Attention processors once held the projections, and their names say so.
std::string processor_name(const std::string& diffusers) {
  std::string name = replace_all(diffusers, ".to_", ".processor.to_");
  if (name.ends_with(".to_out.0")) name.resize(name.size() - 2);
  return name;
}

void add_unet_weight(LoraKeys& keys, const std::string& module, const UNetConfig& config,
                     const PatchTarget& target) {
  keys["lora_unet_" + underscored(module)] = target;
  keys["diffusion_model." + module] = target;
  for (const std::string& diffusers : diffusers_names(module, config)) {
    keys["lora_unet_" + underscored(diffusers)] = target;
    keys["lycoris_" + underscored(diffusers)] = target;
    for (const std::string& name : {diffusers, processor_name(diffusers)}) {
      keys[name] = target;
      keys["unet." + name] = target;
    }
  }
}

// The layers of a block that LoRAs speak of, in transformers' names, and where OpenCLIP has them.
struct ClipLayerNames {
  std::string_view transformers;
  std::string_view open_clip;
  int third;  // of OpenCLIP's joined projection; -1: a tensor of its own
};

constexpr std::array kClipLayers = {
    ClipLayerNames{"mlp.fc1", "mlp.c_fc", -1},
    ClipLayerNames{"mlp.fc2", "mlp.c_proj", -1},
    ClipLayerNames{"self_attn.q_proj", "attn.in_proj", 0},
    ClipLayerNames{"self_attn.k_proj", "attn.in_proj", 1},
    ClipLayerNames{"self_attn.v_proj", "attn.in_proj", 2},
    ClipLayerNames{"self_attn.out_proj", "attn.out_proj", -1},
};

PatchTarget clip_target(const Names& names, const ClipConfig& config, std::int64_t block,
                        const ClipLayerNames& layer) {
  const bool open_clip = config.layout == ClipLayout::kOpenClip;
  const std::string module = (open_clip ? "transformer.resblocks." : "text_model.encoder.layers.") +
                             std::to_string(block) + "." +
                             std::string(open_clip ? layer.open_clip : layer.transformers);
  if (!open_clip || layer.third < 0) {
    return {if_there(names, module + ".weight"), if_there(names, module + ".bias"), {}, false};
  }
  const RowRange rows = {layer.third * config.hidden_size, config.hidden_size};
  return {if_there(names, module + "_weight"), if_there(names, module + "_bias"), rows, false};
}

// In the form in which the encoder's layers ask for them.
Names asked_names(const std::vector<std::string>& stored, const EncoderPart& part) {
  Names names;
  for (const std::string& name : stored)
    names.insert(part.omits_text_model ? std::string(kTextModel) + name : name);
  return names;
}

// What a file may call the encoder: before names with underscores, and before those with dots.
struct ClipPrefixes {
  std::vector<std::string> underscored;
  std::vector<std::string> dotted;  // last the one that any weight may have
};

ClipPrefixes clip_prefixes(const std::string& section, bool has_clip_l) {
  const std::string stored = "text_encoders.clip_" + section + ".transformer.";
  if (section != "g") return {{"lora_te_", "lora_te1_"}, {"text_encoder.", stored}};
  if (has_clip_l) return {{"lora_te2_"}, {"text_encoder_2.", stored}};
  return {{"lora_te_", "lora_prior_te_"}, {"text_encoder.", stored}};
}

void add_clip_module(LoraKeys& keys, const ClipPrefixes& prefixes, const std::string& module,
                     const PatchTarget& target) {
  if (target.weight.empty()) return;
  for (const std::string& prefix : prefixes.underscored)
    keys[prefix + underscored(module)] = target;
  for (const std::string& prefix : prefixes.dotted)
    keys[prefix + module] = target;
}

PatchTarget projection_target(const Names& names) {
  if (names.contains("text_projection.weight")) return {"text_projection.weight", {}, {}, false};
  return {if_there(names, "text_projection"), {}, {}, true};
}

}  // namespace

LoraKeys unet_lora_keys(const std::vector<std::string>& names, const UNetConfig& config) {
  const Names there(names.begin(), names.end());
  LoraKeys keys;
  for (const std::string& name : there) {
    if (name.ends_with(kWeight)) {
      const std::string module = name.substr(0, name.size() - kWeight.size());
      add_unet_weight(keys, module, config, {name, if_there(there, module + ".bias"), {}, false});
    } else {
      keys["diffusion_model." + name] = {name, {}, {}, false};
    }
  }
  return keys;
}

LoraKeys clip_lora_keys(const std::vector<std::string>& names, const EncoderPart& part,
                        bool has_clip_l) {
  const Names there = asked_names(names, part);
  const ClipPrefixes prefixes = clip_prefixes(part.section, has_clip_l);
  LoraKeys keys;
  for (std::int64_t block = 0; block < part.config.num_hidden_layers; ++block) {
    for (const ClipLayerNames& layer : kClipLayers) {
      const std::string module = "text_model.encoder.layers." + std::to_string(block) + "." +
                                 std::string(layer.transformers);
      add_clip_module(keys, prefixes, module, clip_target(there, part.config, block, layer));
    }
  }
  for (const std::string& name : there) {
    if (part.config.layout != ClipLayout::kTransformers || !name.ends_with(kWeight)) continue;
    const std::string module = name.substr(0, name.size() - kWeight.size());
    keys[prefixes.dotted.back() + module] = {name, if_there(there, module + ".bias"), {}, false};
  }
  const PatchTarget projection = projection_target(there);
  if (!projection.weight.empty()) {
    if (part.section == "g") keys["lora_prior_te_text_projection"] = projection;
    keys[part.section == "g" ? "lora_te2_text_projection" : "lora_te1_text_projection"] =
        projection;
  }
  return keys;
}

}  // namespace tandem::models
