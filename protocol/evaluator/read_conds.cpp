// "conds" of prepare and add_conds.
#include "protocol/evaluator/json.hpp"
#include "protocol/evaluator/limits.hpp"
#include "protocol/job/readers.hpp"

namespace tandem::evaluator {
namespace {

[[noreturn]] void refuse(ErrorCode code, const ObjectReader& keys, std::string_view key,
                         const std::string& why) {
  const std::string path = keys.path_of(key);
  throw Error(code, path + ": " + why, {}, path);
}

ModelConds read_model_conds(ObjectReader& keys) {
  ModelConds inputs;
  keys.require("c_crossattn");
  keys.read("c_crossattn", inputs.context, job::kTensorNameRule);
  keys.read("y", inputs.y, job::kTensorNameRule);
  keys.read("c_concat", inputs.concat, job::kTensorNameRule);
  return inputs;
}

// What Tandem would make the network's inputs of says nothing beside the inputs themselves.
void check_given(const ObjectReader& keys) {
  for (const std::string_view key :
       {"text", "text_g", "text_l", "tokens", "weights", "cond", "pooled", "schedule_clip", "width",
        "height", "crop_w", "crop_h", "target_width", "target_height", "concat_latent_image",
        "concat_mask"}) {
    if (keys.has(key)) {
      refuse(ErrorCode::kBadRequest, keys, key, "says nothing beside model_conds.");
    }
  }
}

void read_sigmas(ObjectReader& keys, Cond& cond) {
  keys.read("sigma_start", cond.sigma_start, kSigma);
  keys.read("sigma_end", cond.sigma_end, kSigma);
  if (cond.sigma_start && keys.has("start_percent")) {
    refuse(ErrorCode::kBadRequest, keys, "sigma_start", "expected this or start_percent.");
  }
  if (cond.sigma_end && keys.has("end_percent")) {
    refuse(ErrorCode::kBadRequest, keys, "sigma_end", "expected this or end_percent.");
  }
}

// An evaluator has no run of its own from which these could be derived.
void check_derived(const ObjectReader& keys) {
  if (keys.has("area_percent")) {
    refuse(ErrorCode::kUnsupported, keys, "area_percent", "an evaluator's areas are in cells.");
  }
  if (keys.has("set_area_to_bounds")) {
    refuse(ErrorCode::kUnsupported, keys, "set_area_to_bounds",
           "an evaluator derives no area from a mask.");
  }
}

Cond read_cond(ObjectReader& keys) {
  Cond cond;
  check_derived(keys);
  if (keys.has("model_conds")) {
    check_given(keys);
    keys.read_object("model_conds",
                     [&](ObjectReader& inputs) { cond.model_conds = read_model_conds(inputs); });
    cond.cond = job::detail::read_cond_place(keys);
  } else {
    cond.cond = job::detail::read_cond(keys);
  }
  read_sigmas(keys, cond);
  return cond;
}

}  // namespace

Conds read_conds(ObjectReader& keys) {
  Conds conds;
  keys.read_members(
      "conds", kMaxConds,
      [&](const std::string& id, const boost::json::value& value, const std::string& path) {
        if (id.empty() || id.size() > job::kId.max_bytes) {
          throw Error(ErrorCode::kOutOfRange, path + ": expected an id of 1 to 64 bytes", {}, path);
        }
        ObjectReader::read_value(value, path,
                                 [&](ObjectReader& cond) { conds.emplace(id, read_cond(cond)); });
      });
  return conds;
}

}  // namespace tandem::evaluator
