// "model", "motion" and "hooks": what names files.
#include "protocol/job/job_uses.hpp"
#include "protocol/job/writers.hpp"
#include "protocol/json_text.hpp"

namespace tandem::job::detail {
namespace {

json::value source_value(const std::string& file) {
  if (const auto prefix = tensors_prefix(file)) return json::object{{"tensors", *prefix}};
  return json::value(file);
}

json::object write(const Lora& lora) {
  ObjectWriter out;
  const Lora fallback;
  out.always("file", source_value(lora.file));
  out.put("strength_model", lora.strength_model, fallback.strength_model);
  out.put("strength_clip", lora.strength_clip, fallback.strength_clip);
  return out.take();
}

json::object write(const Keyframe& keyframe) {
  ObjectWriter out;
  const Keyframe fallback;
  out.put("start_percent", keyframe.start_percent, fallback.start_percent);
  out.put("strength", keyframe.strength, fallback.strength);
  out.put("guarantee_steps", keyframe.guarantee_steps, fallback.guarantee_steps);
  return out.take();
}

json::object write(const Hook& hook) {
  ObjectWriter out;
  const Hook fallback;
  out.always("type", json::value(hook.type));
  if (!hook.file.empty()) out.always("file", source_value(hook.file));
  out.put("strength_model", hook.strength_model, fallback.strength_model);
  out.put("strength_clip", hook.strength_clip, fallback.strength_clip);
  json::array keyframes;
  for (const Keyframe& keyframe : hook.keyframes)
    keyframes.push_back(write(keyframe));
  out.put("keyframes", std::move(keyframes));
  out.put("plugin", hook.plugin);
  if (!hook.options.empty()) out.always("options", parse_json(hook.options));
  return out.take();
}

}  // namespace

json::object write(const Model& model) {
  ObjectWriter out;
  const Model fallback;
  out.put("file", model.file);
  out.put("vae", model.vae);
  out.put("text_encoders", model.text_encoders);
  out.put("upscale", model.upscale);
  out.put("tokenizer", model.tokenizer);
  json::array loras;
  for (const Lora& lora : model.loras)
    loras.push_back(write(lora));
  out.put("loras", std::move(loras));
  out.put("clip_skip", model.clip_skip);
  json::object embeddings;
  for (const auto& [name, file] : model.embeddings)
    embeddings[name] = source_value(file);
  out.put("embeddings", std::move(embeddings));
  out.put("dtype", model.dtype, fallback.dtype, kComputeTypes);
  out.put("text_dtype", model.text_dtype, fallback.text_dtype, kComputeTypes);
  out.put("vae_dtype", model.vae_dtype, fallback.vae_dtype, kComputeTypes);
  out.put("device", model.device, fallback.device);
  out.put("text_device", model.text_device, fallback.text_device);
  out.put("vae_device", model.vae_device, fallback.vae_device);
  return out.take();
}

json::object write(const Motion& motion) {
  ObjectWriter out;
  const Motion fallback;
  out.put("file", motion.file);
  out.put("beta_schedule", motion.beta_schedule, fallback.beta_schedule);
  out.put("scale", motion.scale, fallback.scale);
  out.put("effect", motion.effect, fallback.effect);
  out.put("start_percent", motion.start_percent, fallback.start_percent);
  out.put("end_percent", motion.end_percent, fallback.end_percent);
  return out.take();
}

json::object write(const std::map<std::string, std::vector<Hook>>& groups) {
  json::object object;
  for (const auto& [id, hooks] : groups) {
    json::array& list = object[id].emplace_array();
    for (const Hook& hook : hooks)
      list.push_back(write(hook));
  }
  return object;
}

}  // namespace tandem::job::detail
