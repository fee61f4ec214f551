#include "coordinator/sampling/unsupported.hpp"

#include <utility>

#include "coordinator/conditioning/cond_list.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

// The list as it grows.
class Findings {
 public:
  void add(bool is_used, const std::string& path, const std::string& what) {
    if (is_used) keys_.push_back({path, what});
  }
  std::vector<UnsupportedKey> take() { return std::move(keys_); }

 private:
  std::vector<UnsupportedKey> keys_;
};

void find_in_cond(const job::Cond& cond, const std::string& path, Findings& found) {
  found.add(cond.guidance.has_value(), path + ".guidance", "distilled guidance");
  found.add(!cond.reference_latents.empty(), path + ".reference_latents", "reference latents");
  found.add(cond.clip_vision.has_value(), path + ".clip_vision", "picture prompts");
  found.add(cond.template_end.has_value(), path + ".template_end", "prompt templates");
}

void find_in_conds(const std::vector<job::Cond>& conds, ListId list, Findings& found) {
  for (std::size_t i = 0; i < conds.size(); ++i) {
    find_in_cond(conds[i], std::string(name(list)) + "[" + std::to_string(i) + "]", found);
  }
}

void find_in_forward(const job::Forward& forward, Findings& found) {
  found.add(forward.guidance.has_value(), "forward.guidance", "distilled guidance");
  found.add(forward.clip_fea.has_value(), "forward.clip_fea", "picture prompts");
  found.add(forward.num_tokens.has_value(), "forward.num_tokens", "transformer families");
  found.add(!forward.ref_latents.empty(), "forward.ref_latents", "reference latents");
  found.add(forward.ref_latents_method.has_value(), "forward.ref_latents_method",
            "reference latents");
}

void find_in_workers(const job::Workers& workers, Findings& found) {
  found.add(workers.audit != 0.0, "workers.audit", "audits");
}

}  // namespace

namespace {

void require_none(const std::vector<UnsupportedKey>& keys) {
  if (keys.empty()) return;
  std::string words;
  for (const UnsupportedKey& key : keys) {
    words += (words.empty() ? "" : ", ") + key.what + " (" + key.path + ")";
  }
  throw Error(ErrorCode::kUnsupported,
              "This version does not do what the job asks for: " + words + ".", "",
              keys.front().path);
}

}  // namespace

std::vector<UnsupportedKey> find_unsupported(const job::Job& job) {
  Findings found;
  find_in_conds(job.positive, ListId::kPositive, found);
  find_in_conds(job.negative, ListId::kNegative, found);
  find_in_conds(job.middle, ListId::kMiddle, found);
  const auto* const empty = job.latent ? std::get_if<job::EmptyLatent>(&*job.latent) : nullptr;
  found.add(empty != nullptr && empty->frames.has_value(), "latent.frames", "video");
  found.add(job.start_image.has_value(), "start_image", "video");
  found.add(job.clip_vision_image.has_value(), "clip_vision_image", "picture prompts");
  found.add(job.sampling.kind == job::FlowKind::kFlux, "sampling.kind", "Flux's sigmas");
  if (job.forward) find_in_forward(*job.forward, found);
  find_in_workers(job.workers, found);
  found.add(job.output.video.wanted, "output.video", "video");
  return found.take();
}

void require_supported(const job::Job& job) {
  require_none(find_unsupported(job));
}

void require_supported_cond(const job::Cond& cond, const std::string& path) {
  Findings found;
  find_in_cond(cond, path, found);
  require_none(found.take());
}

}  // namespace tandem::coordinator
