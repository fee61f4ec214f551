// "model", "motion" and "hooks": what names files.
#include <algorithm>

#include <boost/json/serialize.hpp>

#include "protocol/accelerators.hpp"
#include "protocol/job/job_uses.hpp"
#include "protocol/job/limits.hpp"
#include "protocol/job/names.hpp"
#include "protocol/job/readers.hpp"

namespace tandem::job::detail {
namespace {

Lora read_lora(ObjectReader& keys) {
  Lora lora;
  keys.require("file");
  read_source(keys, "file", lora.file);
  keys.read("strength_model", lora.strength_model, kAnyNumber);
  keys.read("strength_clip", lora.strength_clip, kAnyNumber);
  return lora;
}

// "gpu:1", "xpu:0", "mps"; a private-use accelerator's name is whatever its library says, so any
// word with a number may be one. Whether it is there is the service's to say.
bool is_accelerator(std::string_view name) {
  constexpr std::size_t kMaxDigits = 4;
  const auto colon = name.find(':');
  const std::string_view type = name.substr(0, colon);
  if (colon == std::string_view::npos) return is_accelerator_name(type);
  const std::string_view number = name.substr(colon + 1);
  return !type.empty() && type != "cpu" && type.size() <= kMaxAcceleratorNameBytes &&
         type.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
             std::string_view::npos &&
         !number.empty() && number.size() <= kMaxDigits &&
         number.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_device(std::string_view name) {
  return name == "default" || name == "cpu" || is_accelerator(name);
}

void read_device(ObjectReader& keys, std::string_view key, DeviceName& field) {
  keys.read(key, field, kName);
  if (is_device(field)) return;
  const std::string path = keys.path_of(key);
  throw Error(ErrorCode::kOutOfRange,
              path + ": expected default, cpu, gpu:N or another accelerator's name, found \"" +
                  shown(field) + "\"",
              {}, path);
}

Keyframe read_keyframe(ObjectReader& keys) {
  Keyframe keyframe;
  keys.read("start_percent", keyframe.start_percent, kFraction);
  keys.read("strength", keyframe.strength, kAnyNumber);
  keys.read("guarantee_steps", keyframe.guarantee_steps, kAtLeastZero);
  return keyframe;
}

void read_weight_hook(ObjectReader& keys, Hook& hook) {
  keys.require("file");
  read_source(keys, "file", hook.file);
  keys.read("strength_model", hook.strength_model, kAnyNumber);
  keys.read("strength_clip", hook.strength_clip, kAnyNumber);
  keys.read_objects("keyframes", kMaxKeyframes,
                    [&](ObjectReader& frame) { hook.keyframes.push_back(read_keyframe(frame)); });
}

void read_plugin_hook(ObjectReader& keys, Hook& hook) {
  keys.require("plugin");
  keys.read("plugin", hook.plugin, kName);
  read_plugin_options(keys, hook.options);
}

}  // namespace

std::string to_file(const boost::json::value& value, const std::string& path) {
  if (const boost::json::object* object = value.if_object();
      object && object->contains("tensors")) {
    throw Error(ErrorCode::kUnsupported,
                path + ": tensors of the message cannot stand for this file",
                "Name a file; LoRAs, weight hooks and embeddings may be tensors.", path);
  }
  return to_text(value, path, kFileName);
}

void read_file(ObjectReader& keys, std::string_view key, std::string& field) {
  if (const boost::json::value* value = keys.find(key)) field = to_file(*value, keys.path_of(key));
}

std::string to_source(const boost::json::value& value, const std::string& path) {
  const boost::json::object* object = value.if_object();
  if (object == nullptr || !object->contains("tensors")) return to_file(value, path);
  std::string prefix;
  ObjectReader::read_value(
      value, path, [&](ObjectReader& source) { source.read("tensors", prefix, kTensorNameRule); });
  return tensors_in_place_of_file(prefix);
}

void read_source(ObjectReader& keys, std::string_view key, std::string& field) {
  if (const boost::json::value* value = keys.find(key))
    field = to_source(*value, keys.path_of(key));
}

void read_plugin_options(ObjectReader& keys, std::string& field) {
  const boost::json::value* options = keys.find("options");
  if (options == nullptr) return;
  const std::string path = keys.path_of("options");
  field = boost::json::serialize(to_object(*options, path));
  if (field.size() <= kMaxPluginOptionBytes) return;
  throw Error(ErrorCode::kOutOfRange,
              path + ": expected at most " + std::to_string(kMaxPluginOptionBytes) +
                  " bytes of JSON, found " + std::to_string(field.size()),
              {}, path);
}

void read_listed(ObjectReader& keys, std::string_view key, std::string& field,
                 std::span<const std::string_view> names) {
  if (const boost::json::value* value = keys.find(key)) {
    field = names[to_choice(*value, keys.path_of(key), names)];
  }
}

Model read_model(ObjectReader& keys) {
  Model model;
  read_file(keys, "file", model.file);
  read_file(keys, "vae", model.vae);
  if (const boost::json::value* files = keys.find("text_encoders")) {
    const std::string list = keys.path_of("text_encoders");
    for (const boost::json::value& file : to_array(*files, list, kMaxTextEncoders)) {
      model.text_encoders.push_back(to_file(file, key_path(list, model.text_encoders.size())));
    }
  }
  read_file(keys, "upscale", model.upscale);
  read_file(keys, "tokenizer", model.tokenizer);
  keys.read_objects("loras", kMaxLoras,
                    [&](ObjectReader& lora) { model.loras.push_back(read_lora(lora)); });
  keys.read("clip_skip", model.clip_skip, kClipSkip);
  keys.read_members(
      "embeddings", kMaxEmbeddings,
      [&](const std::string& name, const boost::json::value& file, const std::string& path) {
        model.embeddings[name] = to_source(file, path);
      });
  keys.read("dtype", model.dtype, kComputeTypes);
  keys.read("text_dtype", model.text_dtype, kComputeTypes);
  keys.read("vae_dtype", model.vae_dtype, kComputeTypes);
  read_device(keys, "device", model.device);
  read_device(keys, "text_device", model.text_device);
  read_device(keys, "vae_device", model.vae_device);
  return model;
}

Motion read_motion(ObjectReader& keys) {
  Motion motion;
  read_file(keys, "file", motion.file);
  keys.read("beta_schedule", motion.beta_schedule, kName);
  keys.read("scale", motion.scale, kMotionFactor);
  keys.read("effect", motion.effect, kMotionFactor);
  keys.read("start_percent", motion.start_percent, kFraction);
  keys.read("end_percent", motion.end_percent, kFraction);
  return motion;
}

Hook read_hook(ObjectReader& keys) {
  Hook hook;
  keys.require("type");
  read_listed(keys, "type", hook.type, kHookTypes);
  if (hook.type == "weight") {
    read_weight_hook(keys, hook);
  } else {
    read_plugin_hook(keys, hook);
  }
  return hook;
}

void read_hook_groups(ObjectReader& keys, std::map<std::string, std::vector<Hook>>& groups) {
  keys.read_members(
      "hooks", kMaxHookGroups,
      [&](const std::string& id, const boost::json::value& hooks, const std::string& path) {
        if (id.empty() || id.size() > kId.max_bytes) {
          throw Error(ErrorCode::kOutOfRange, path + ": expected an id of 1 to 64 bytes", {}, path);
        }
        std::vector<Hook>& group = groups[id];
        for (const boost::json::value& hook : to_array(hooks, path, kMaxHooks)) {
          ObjectReader::read_value(hook, key_path(path, group.size()), [&](ObjectReader& reader) {
            group.push_back(read_hook(reader));
          });
        }
      });
}

}  // namespace tandem::job::detail
