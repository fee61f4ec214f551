// An entry of "positive", "negative" or "middle".
#include "protocol/job/writers.hpp"

namespace tandem::job::detail {
namespace {

void write_prompt(ObjectWriter& out, const TextPrompt& prompt) {
  out.always("text", json::value(prompt.text));
}
void write_prompt(ObjectWriter& out, const DualTextPrompt& prompt) {
  out.always("text_g", json::value(prompt.text_g));
  out.always("text_l", json::value(prompt.text_l));
}
void write_prompt(ObjectWriter& out, const TokenPrompt& prompt) {
  out.always("tokens", json::value(prompt.tokens));
  out.put("weights", prompt.weights);
}
void write_prompt(ObjectWriter& out, const EncodedPrompt& prompt) {
  out.always("cond", json::value(prompt.cond));
  out.put("pooled", prompt.pooled);
}

json::object write(const Area& area) {
  return {{"height", area.height}, {"width", area.width}, {"y", area.y}, {"x", area.x}};
}

json::object write(const AreaPercent& area) {
  return {{"height", area.height}, {"width", area.width}, {"y", area.y}, {"x", area.x}};
}

}  // namespace

json::object write(const Cond& cond) {
  ObjectWriter out;
  const Cond fallback;
  std::visit([&](const auto& prompt) { write_prompt(out, prompt); }, cond.prompt);
  out.put("strength", cond.strength, fallback.strength);
  if (cond.area) out.always("area", write(*cond.area));
  if (cond.area_percent) out.always("area_percent", write(*cond.area_percent));
  out.put("mask", cond.mask);
  out.put("mask_strength", cond.mask_strength, fallback.mask_strength);
  out.put("set_area_to_bounds", cond.set_area_to_bounds, fallback.set_area_to_bounds);
  out.put("start_percent", cond.start_percent, fallback.start_percent);
  out.put("end_percent", cond.end_percent, fallback.end_percent);
  out.put("default", cond.is_default, fallback.is_default);
  out.put("hooks", cond.hooks);
  out.put("schedule_clip", cond.schedule_clip, fallback.schedule_clip);
  out.put("width", cond.width);
  out.put("height", cond.height);
  out.put("crop_w", cond.crop_w);
  out.put("crop_h", cond.crop_h);
  out.put("target_width", cond.target_width);
  out.put("target_height", cond.target_height);
  out.put("guidance", cond.guidance);
  out.put("reference_latents", cond.reference_latents);
  out.put("concat_latent_image", cond.concat_latent_image);
  out.put("concat_mask", cond.concat_mask);
  out.put("clip_vision", cond.clip_vision);
  out.put("template_end", cond.template_end);
  return out.take();
}

json::array write(const std::vector<Cond>& conds) {
  json::array list;
  for (const Cond& cond : conds)
    list.push_back(write(cond));
  return list;
}

}  // namespace tandem::job::detail
