#include "protocol/job/job_json.hpp"

#include "protocol/job/limits.hpp"
#include "protocol/job/readers.hpp"
#include "protocol/json_text.hpp"

namespace tandem::job {
namespace {

void read_version(ObjectReader& keys) {
  int version = kJobVersion;
  keys.require("version");
  keys.read("version", version, WholeRange{});
  if (version == kJobVersion) return;
  throw Error(
      ErrorCode::kUnsupportedVersion,
      "version: expected " + std::to_string(kJobVersion) + ", found " + std::to_string(version), {},
      "version");
}

void read_conds(ObjectReader& keys, std::string_view key, std::vector<Cond>& conds) {
  keys.read_objects(key, kMaxConds,
                    [&](ObjectReader& cond) { conds.push_back(detail::read_cond(cond)); });
}

void check_hook_groups(const Job& job, std::string_view list, const std::vector<Cond>& conds) {
  for (std::size_t i = 0; i < conds.size(); ++i) {
    for (const std::string& id : conds[i].hooks) {
      if (job.hooks.contains(id)) continue;
      const std::string path = key_path(key_path(list, i), "hooks");
      throw Error(ErrorCode::kBadRequest,
                  path + ": expected the id of a group in 'hooks', found \"" + shown(id) + "\"", {},
                  path);
    }
  }
}

Job read_job(ObjectReader& keys) {
  using namespace detail;
  Job job;
  read_version(keys);
  keys.read_object("model", [&](ObjectReader& k) { job.model = read_model(k); });
  read_conds(keys, "positive", job.positive);
  read_conds(keys, "negative", job.negative);
  read_conds(keys, "middle", job.middle);
  keys.read_object("latent", [&](ObjectReader& k) { job.latent = read_latent(k); });
  keys.read_object("noise", [&](ObjectReader& k) { job.noise = read_noise(k); });
  keys.read("noise_mask", job.noise_mask, kTensorNameRule);
  keys.read_object("sampler", [&](ObjectReader& k) { job.sampler = read_sampler(k); });
  keys.read("start_image", job.start_image, kTensorNameRule);
  keys.read("clip_vision_image", job.clip_vision_image, kTensorNameRule);
  keys.read_object("guider", [&](ObjectReader& k) { job.guider = read_guider(k); });
  keys.read_object("sampling", [&](ObjectReader& k) { job.sampling = read_sampling(k); });
  read_hook_groups(keys, job.hooks);
  keys.read_object("context", [&](ObjectReader& k) { job.context = read_context(k); });
  keys.read_object("motion", [&](ObjectReader& k) { job.motion = read_motion(k); });
  keys.read_object("vae", [&](ObjectReader& k) { job.vae = read_vae(k); });
  keys.read_object("upscale", [&](ObjectReader& k) { job.upscale = read_upscale(k); });
  keys.read_object("forward", [&](ObjectReader& k) { job.forward = read_forward(k); });
  keys.read_object("plugin", [&](ObjectReader& k) { job.plugin = read_plugin(k); });
  keys.read_object("workers", [&](ObjectReader& k) { job.workers = read_workers(k); });
  keys.require("output");
  keys.read_object("output", [&](ObjectReader& k) { job.output = read_outputs(k); });
  return job;
}

}  // namespace

Job parse_job(const boost::json::object& json) {
  ObjectReader keys(json, {});
  Job job = read_job(keys);
  keys.finish();
  check_hook_groups(job, "positive", job.positive);
  check_hook_groups(job, "negative", job.negative);
  check_hook_groups(job, "middle", job.middle);
  return job;
}

Job parse_job(std::string_view json) {
  return parse_job(parse_json_object(json));
}

}  // namespace tandem::job
