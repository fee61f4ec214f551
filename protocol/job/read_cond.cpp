// An entry of "positive", "negative" or "middle".
#include "protocol/job/limits.hpp"
#include "protocol/job/readers.hpp"

namespace tandem::job::detail {
namespace {

Prompt read_text(ObjectReader& keys) {
  TextPrompt prompt;
  keys.read("text", prompt.text, kPromptText);
  return prompt;
}

Prompt read_dual_text(ObjectReader& keys) {
  DualTextPrompt prompt;
  keys.read("text_g", prompt.text_g, kPromptText);
  keys.read("text_l", prompt.text_l, kPromptText);
  return prompt;
}

Prompt read_tokens(ObjectReader& keys) {
  TokenPrompt prompt;
  keys.read("tokens", prompt.tokens, kTensorNameRule);
  keys.read("weights", prompt.weights, kTensorNameRule);
  return prompt;
}

Prompt read_encoded(ObjectReader& keys) {
  EncodedPrompt prompt;
  keys.read("cond", prompt.cond, kTensorNameRule);
  keys.read("pooled", prompt.pooled, kTensorNameRule);
  return prompt;
}

Prompt read_prompt(ObjectReader& keys) {
  const bool text = keys.has("text");
  const bool dual = keys.has("text_g") || keys.has("text_l");
  const bool tokens = keys.has("tokens");
  const bool encoded = keys.has("cond");
  if (text + dual + tokens + encoded != 1) {
    throw Error(ErrorCode::kBadRequest,
                keys.path() +
                    ": expected exactly one of text, text_g with text_l, tokens, cond; found " +
                    std::to_string(text + dual + tokens + encoded) + " of them",
                {}, keys.path());
  }
  if (text) return read_text(keys);
  if (dual) return read_dual_text(keys);
  return tokens ? read_tokens(keys) : read_encoded(keys);
}

Area read_area(ObjectReader& keys) {
  Area area;
  keys.require("height");
  keys.require("width");
  keys.read("height", area.height, kCells);
  keys.read("width", area.width, kCells);
  keys.read("y", area.y, kCellOffset);
  keys.read("x", area.x, kCellOffset);
  return area;
}

AreaPercent read_area_percent(ObjectReader& keys) {
  AreaPercent area;
  keys.read("height", area.height, kFraction);
  keys.read("width", area.width, kFraction);
  keys.read("y", area.y, kFraction);
  keys.read("x", area.x, kFraction);
  return area;
}

void read_where(ObjectReader& keys, Cond& cond) {
  keys.read_object("area", [&](ObjectReader& area) { cond.area = read_area(area); });
  keys.read_object("area_percent",
                   [&](ObjectReader& area) { cond.area_percent = read_area_percent(area); });
  if (cond.area && cond.area_percent) {
    throw Error(ErrorCode::kBadRequest, keys.path() + ": expected area or area_percent, found both",
                {}, keys.path());
  }
  keys.read("mask", cond.mask, kTensorNameRule);
  keys.read("mask_strength", cond.mask_strength, kAnyNumber);
  keys.read("set_area_to_bounds", cond.set_area_to_bounds);
}

void read_when(ObjectReader& keys, Cond& cond) {
  keys.read("start_percent", cond.start_percent, kFraction);
  keys.read("end_percent", cond.end_percent, kFraction);
  keys.read("default", cond.is_default);
  keys.read_one_or_many("hooks", cond.hooks, kId, kMaxHooks);
  keys.read("schedule_clip", cond.schedule_clip);
}

// What the model is told beside the text.
void read_model_inputs(ObjectReader& keys, Cond& cond) {
  keys.read("width", cond.width, kConditionedPixels);
  keys.read("height", cond.height, kConditionedPixels);
  keys.read("crop_w", cond.crop_w, kConditionedPixels);
  keys.read("crop_h", cond.crop_h, kConditionedPixels);
  keys.read("target_width", cond.target_width, kConditionedPixels);
  keys.read("target_height", cond.target_height, kConditionedPixels);
  keys.read("guidance", cond.guidance, kAnyNumber);
  keys.read_one_or_many("reference_latents", cond.reference_latents, kTensorNameRule,
                        kMaxReferences);
  keys.read("concat_latent_image", cond.concat_latent_image, kTensorNameRule);
  keys.read("concat_mask", cond.concat_mask, kTensorNameRule);
  keys.read("clip_vision", cond.clip_vision, kTensorNameRule);
  keys.read("template_end", cond.template_end, kTokenPosition);
}

}  // namespace

Cond read_cond(ObjectReader& keys) {
  const Prompt prompt = read_prompt(keys);
  Cond cond = read_cond_place(keys);
  cond.prompt = prompt;
  return cond;
}

Cond read_cond_place(ObjectReader& keys) {
  Cond cond;
  keys.read("strength", cond.strength, kAnyNumber);
  read_where(keys, cond);
  read_when(keys, cond);
  read_model_inputs(keys, cond);
  return cond;
}

}  // namespace tandem::job::detail
