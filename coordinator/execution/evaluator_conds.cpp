#include "coordinator/execution/evaluator_conds.hpp"

#include <ATen/ATen.h>

#include "coordinator/conditioning/inpaint_channels.hpp"
#include "coordinator/conditioning/masks.hpp"
#include "coordinator/execution/job_inputs.hpp"
#include "coordinator/execution/prompts.hpp"
#include "coordinator/execution/requested_conds.hpp"
#include "coordinator/sampling/shapes.hpp"
#include "coordinator/sampling/unsupported.hpp"
#include "models/tensor/repeat_to_batch.hpp"
#include "protocol/error.hpp"
#include "protocol/json_text.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kAny = -1;

[[noreturn]] void refuse(ErrorCode code, const std::string& path, const std::string& why,
                         const std::string& hint = {}) {
  throw Error(code, path + ": " + why, hint, path);
}

bool is_inpainting(const ModelInfo& info) {
  return info.unet_in_channels != info.latent.channels;
}

class CondResolver {
 public:
  // job: with the tensors of the message.
  CondResolver(const AcceptedEvaluator& evaluator, const AcceptedJob& job,
               const models::Prediction& prediction)
      : evaluator_(evaluator), job_(job), prediction_(prediction) {}

  // Before anything is computed.
  void check(const evaluator::Cond& cond, const std::string& path) const {
    require_supported_cond(cond.cond, path);
    for (const std::string& group : cond.cond.hooks) {
      if (!job_.job.hooks.contains(group))
        refuse(ErrorCode::kBadRequest, path + ".hooks",
               "the evaluator has no such group of hooks.");
    }
    if (!cond.model_conds) {
      check_text(cond.cond, path);
      check_cond_tensors(job_, cond.cond, path);
      check_inpainting(cond.cond, path);
      return;
    }
    job::Cond place = cond.cond;
    place.prompt = job::TextPrompt{};
    check_cond_tensors(job_, place, path);
    check_inputs(*cond.model_conds, path + ".model_conds");
  }

  std::vector<ResolvedCond> resolve(const evaluator::Cond& cond, const std::string& path,
                                    const EncodedPrompts& prompts) const {
    std::vector<ResolvedCond> resolved;
    if (cond.model_conds) {
      resolved.push_back(with_inputs(cond, path));
    } else {
      for (const RequestedCond& requested : requested_conds(job_, cond.cond, path, prompts)) {
        resolved.push_back(resolve_cond(requested, job_.info, prediction_, evaluator_.shape, path));
        if (is_inpainting(job_.info)) resolved.back().tensors.concat = inpainting(requested, path);
      }
    }
    for (ResolvedCond& one : resolved) {
      check_mask(one, cond.cond, path);
      if (cond.sigma_start) one.sigma_start = static_cast<float>(*cond.sigma_start);
      if (cond.sigma_end) one.sigma_end = static_cast<float>(*cond.sigma_end);
    }
    return resolved;
  }

 private:
  void check_text(const job::Cond& cond, const std::string& path) const {
    const bool is_text = !std::holds_alternative<job::EncodedPrompt>(cond.prompt);
    if (!is_text || !job_.info.text_encoders.empty()) return;
    refuse(ErrorCode::kBadRequest, path, "the checkpoint brings no text encoder.",
           "Name its files under model.text_encoders, or give encoded conds.");
  }

  // There is no latent of the run that they could be made of.
  void check_inpainting(const job::Cond& cond, const std::string& path) const {
    if (!is_inpainting(job_.info) || (cond.concat_latent_image && cond.concat_mask)) return;
    refuse(ErrorCode::kBadRequest, path,
           "an evaluator's cond of an inpainting model needs concat_latent_image and concat_mask.",
           "Or give the network's inputs themselves, with model_conds.c_concat.");
  }

  void check_inputs(const evaluator::ModelConds& inputs, const std::string& path) const {
    const ModelInfo& info = job_.info;
    check_input_tensor(job_, inputs.context, path + ".c_crossattn",
                       "(rows, tokens, " + std::to_string(info.context_width) + ")",
                       {kAny, kAny, info.context_width});
    if (inputs.y.has_value() != (info.pooled_width > 0)) {
      refuse(ErrorCode::kBadRequest, path + ".y",
             info.pooled_width > 0 ? "the model needs it." : "the model takes none.");
    }
    if (inputs.y) {
      check_input_tensor(job_, *inputs.y, path + ".y", "(rows, width)", {kAny, kAny});
    }
    if (inputs.concat.has_value() != is_inpainting(info)) {
      refuse(ErrorCode::kBadRequest, path + ".c_concat",
             is_inpainting(info) ? "an inpainting model needs it." : "the model takes none.");
    }
    if (!inputs.concat) return;
    const std::int64_t channels = info.unet_in_channels - info.latent.channels;
    check_input_tensor(job_, *inputs.concat, path + ".c_concat",
                       "(rows, " + std::to_string(channels) + ", height, width) of the latent",
                       {kAny, channels, evaluator_.shape[2], evaluator_.shape[3]});
  }

  at::Tensor load(const std::string& name, const std::string& path) const {
    return load_tensor(job_, name, path).to(at::kFloat).contiguous();
  }

  ResolvedCond with_inputs(const evaluator::Cond& cond, const std::string& path) const {
    const evaluator::ModelConds& inputs = *cond.model_conds;
    const std::string key = path + ".model_conds";
    RequestedCond requested = placed_cond(job_, cond.cond, path);
    requested.tensors.context = load(inputs.context, key + ".c_crossattn");
    ModelInfo without_vector = job_.info;
    without_vector.pooled_width = 0;  // y is there as a whole
    ResolvedCond resolved =
        resolve_cond(requested, without_vector, prediction_, evaluator_.shape, path);
    if (inputs.y) resolved.tensors.y = load(*inputs.y, key + ".y");
    if (inputs.concat) {
      resolved.tensors.concat =
          models::repeat_to_batch(load(*inputs.concat, key + ".c_concat"), evaluator_.shape[0]);
    }
    return resolved;
  }

  at::Tensor inpainting(const RequestedCond& requested, const std::string& path) const {
    InpaintSources sources;
    sources.concat_latent_image = requested.concat_latent_image.to(at::kFloat);
    sources.concat_mask = as_mask(requested.concat_mask, (path + ".concat_mask").c_str());
    sources.latent = at::zeros(evaluator_.shape);  // for its shape alone
    return make_inpaint_channels(sources, job_.info.latent);
  }

  void check_mask(const ResolvedCond& resolved, const job::Cond& cond,
                  const std::string& path) const {
    if (!cond.mask) return;
    const auto& shape = tensor_layout(job_, *cond.mask, path + ".mask").shape;
    const bool fits = shape[shape.size() - 2] == evaluator_.shape[2] &&
                      shape[shape.size() - 1] == evaluator_.shape[3];
    if (fits && resolved.mask.defined()) return;
    refuse(
        ErrorCode::kBadShape, path + ".mask",
        "an evaluator's mask has the height and width of x, " + shape_text(evaluator_.shape) + ".");
  }

  const AcceptedEvaluator& evaluator_;
  const AcceptedJob& job_;
  const models::Prediction& prediction_;
};

}  // namespace

ResolvedConds resolve_conds(const AcceptedEvaluator& evaluator, const CondsToAdd& conds,
                            const models::Prediction& prediction, UnitExecutor& units) {
  AcceptedJob job = evaluator.job;
  job.tensors = conds.tensors;
  if (job.embeddings) job.embeddings->insert(conds.embeddings.begin(), conds.embeddings.end());
  const CondResolver resolver(evaluator, job, prediction);
  std::vector<NamedCond> texts;
  for (const auto& [id, cond] : conds.conds) {
    const std::string path = key_path("conds", id);
    resolver.check(cond, path);
    if (!cond.model_conds) texts.push_back({path, &cond.cond});
  }
  const EncodedPrompts prompts = encode_prompts(job, std::move(texts), units, true);
  ResolvedConds resolved;
  for (const auto& [id, cond] : conds.conds)
    resolved.emplace(id, resolver.resolve(cond, key_path("conds", id), prompts));
  return resolved;
}

}  // namespace tandem::coordinator
