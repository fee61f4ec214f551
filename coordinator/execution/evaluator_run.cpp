#include "coordinator/execution/evaluator_run.hpp"

#include <algorithm>
#include <set>

#include <ATen/ATen.h>
#include <boost/json/array.hpp>
#include <c10/core/InferenceMode.h>

#include "coordinator/execution/arithmetic_threads.hpp"
#include "coordinator/execution/plugin_hooks.hpp"
#include "coordinator/execution/result_file.hpp"
#include "coordinator/execution/side_file_warnings.hpp"
#include "coordinator/sampling/model_sampling.hpp"
#include "coordinator/sampling/shapes.hpp"
#include "coordinator/sampling/unsupported.hpp"
#include "protocol/error.hpp"
#include "protocol/json_text.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::size_t kKnownLists = 8;

[[noreturn]] void refuse(ErrorCode code, const std::string& path, const std::string& why,
                         const std::string& hint = {}) {
  throw Error(code, path + ": " + why, hint, path);
}

// There is no job whose events could tell them.
class Warnings : public JobProgress {
 public:
  void phase(Phase) override {}
  void step(StepEvent) override {}
  void warning(const std::string& code, const std::string& message) override {
    list.push_back({{"code", code}, {"message", message}});
  }

  boost::json::array list;
};

boost::json::array to_json(const at::Tensor& numbers) {
  const at::Tensor given = numbers.contiguous();
  const auto* begin = given.const_data_ptr<float>();
  return boost::json::array(begin, begin + given.numel());
}

std::vector<float> to_floats(const std::vector<double>& numbers) {
  std::vector<float> floats;
  std::ranges::transform(numbers, std::back_inserter(floats),
                         [](double number) { return static_cast<float>(number); });
  return floats;
}

std::optional<WindowSplitter> make_windows(const AcceptedEvaluator& evaluator) {
  const auto& context = evaluator.job.job.context;
  if (evaluator.sigmas.empty()) return make_static_window_splitter(context, evaluator.shape);
  return make_window_splitter(context, evaluator.sigmas, evaluator.shape);
}

bool all_equal(const std::vector<float>& numbers) {
  return std::ranges::adjacent_find(numbers, std::not_equal_to()) == numbers.end();
}

}  // namespace

UnitEvaluatorRun::UnitEvaluatorRun(const AcceptedEvaluator& evaluator, UnitExecutor& units)
    : accepted_(evaluator),
      units_(units),
      sigmas_(apply_sampling(evaluator.job.info.sigmas, evaluator.job.job.sampling)),
      prediction_(sigmas_),
      runner_(units, evaluator.job, sigmas_),
      strengths_(std::make_shared<GivenHookStrengths>(evaluator.job.job.hooks)) {}

boost::json::object UnitEvaluatorRun::describe() const {
  const LatentFormat& latent = accepted_.job.info.latent;
  boost::json::object fields{{"family", accepted_.job.info.family},
                             {"latent_channels", latent.channels},
                             {"latent_format",
                              {{"channels", latent.channels},
                               {"downscale", latent.downscale},
                               {"scale", latent.scale},
                               {"shift", latent.shift}}},
                             {"parameterization", name(sigmas_.parameterization)},
                             {"sigmas", to_json(prediction_.sigmas())},
                             {"sigma_min", prediction_.sigma_min()},
                             {"sigma_max", prediction_.sigma_max()}};
  Warnings warnings;
  warn_of_side_files(accepted_.job, warnings);
  if (!warnings.list.empty()) fields["warnings"] = warnings.list;
  if (!prediction_.is_flow()) return fields;
  fields["shift"] = sigmas_.shift;
  fields["multiplier"] = sigmas_.multiplier;
  return fields;
}

boost::json::array UnitEvaluatorRun::add_conds(const CondsToAdd& conds) {
  const c10::InferenceMode inference;
  for (const auto& [id, cond] : conds.conds) {
    if (!conds_.contains(id)) continue;
    refuse(ErrorCode::kBadRequest, key_path("conds", id), "a cond of this id is there already.",
           "Drop it first, or choose another id.");
  }
  for (auto& [id, resolved] : resolve_conds(accepted_, conds, prediction_, units_)) {
    std::vector<PlacedCond>& placed = conds_[id];
    for (ResolvedCond& cond : resolved)
      placed.push_back({ListId{}, runner_.add_cond(cond.tensors), std::move(cond)});
  }
  Warnings warnings;
  if (!accepted_.job.embeddings) return {};
  Embeddings known = *accepted_.job.embeddings;
  known.insert(conds.embeddings.begin(), conds.embeddings.end());
  warn_of_widths(conds.embeddings, accepted_.job.info, warnings);
  for (const auto& [id, cond] : conds.conds) {
    if (!cond.model_conds)
      warn_of_missing(known, cond.cond.prompt, key_path("conds", id), warnings);
  }
  return warnings.list;
}

void UnitEvaluatorRun::drop_conds(const std::vector<std::string>& ids) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!conds_.contains(ids[i]))
      refuse(ErrorCode::kNotFound, key_path("conds", i), "there is no cond of this id.");
  }
  const auto names_one = [&](const std::vector<std::string>& list) {
    return std::ranges::find_first_of(list, ids) != list.end();
  };
  std::erase_if(
      known_, [&](const KnownLists& known) { return std::ranges::any_of(known.lists, names_one); });
  for (const std::string& id : ids) {
    const auto dropped = conds_.extract(id);
    if (dropped.empty()) continue;  // it was named twice
    for (const PlacedCond& cond : dropped.mapped())
      runner_.drop_cond(cond.id);
  }
}

std::span<std::byte> UnitEvaluatorRun::input() {
  if (!x_.defined()) x_ = at::empty(accepted_.shape, at::kFloat);
  return {static_cast<std::byte*>(x_.mutable_data_ptr()), x_.nbytes()};
}

std::vector<UnitTask> UnitEvaluatorRun::begin(const EvaluateRequest& request) {
  const c10::InferenceMode inference;
  set_arithmetic_threads(x_);
  const KnownLists& known = known_of(request.lists);
  set_strengths(request, known);
  set_sigmas(request, known);
  std::vector<ListId> ids;
  for (std::size_t i = 0; i < request.lists.size(); ++i)
    ids.push_back(numbered_list(i));
  evaluator_ = known.evaluator.get();
  step_ = evaluator_->begin(ids, x_, static_cast<float>(request.sigmas.front()));
  return runner_.tasks_of(step_.calls);
}

std::vector<std::span<const std::byte>> UnitEvaluatorRun::finish(
    const std::vector<UnitOutcome>& outcomes) {
  const c10::InferenceMode inference;
  predictions_ = evaluator_->finish(step_, runner_.results_of(step_.calls, outcomes));
  std::vector<std::span<const std::byte>> bytes;
  for (at::Tensor& prediction : predictions_) {
    prediction = prediction.contiguous();
    bytes.push_back(bytes_of(prediction));
  }
  return bytes;
}

const UnitEvaluatorRun::KnownLists& UnitEvaluatorRun::known_of(const Lists& lists) {
  const auto known = std::ranges::find(known_, lists, &KnownLists::lists);
  if (known != known_.end()) {
    std::rotate(known, known + 1, known_.end());
  } else {
    KnownLists made = make_known(lists);
    if (known_.size() == kKnownLists) known_.erase(known_.begin());
    known_.push_back(std::move(made));
  }
  return known_.back();
}

std::vector<PlacedCond> UnitEvaluatorRun::placed_conds(const Lists& lists) const {
  std::vector<PlacedCond> placed;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    for (std::size_t k = 0; k < lists[i].size(); ++k) {
      const auto found = conds_.find(lists[i][k]);
      if (found == conds_.end()) {
        refuse(ErrorCode::kNotFound, key_path(key_path("lists", i), k),
               "there is no cond of this id.");
      }
      for (PlacedCond cond : found->second) {
        cond.list = numbered_list(i);
        placed.push_back(std::move(cond));
      }
    }
  }
  return placed;
}

UnitEvaluatorRun::KnownLists UnitEvaluatorRun::make_known(const Lists& lists) {
  KnownLists known{lists, nullptr, {}, false};
  std::vector<PlacedCond> placed = placed_conds(lists);
  for (const PlacedCond& cond : placed)
    note_hooks(cond.cond, known);
  const AcceptedJob& job = accepted_.job;
  auto windows = make_windows(accepted_);
  const float first_sigma = accepted_.sigmas.empty() ? 0.0F : accepted_.sigmas.front();
  BatchingPolicy policy = {job.job.workers.batching, job.worker_count, 1, job.device_kind,
                           job.job.workers.split_batch};
  count_parts(policy, accepted_.shape.front(), windows, first_sigma);
  known.evaluator = std::make_unique<UnitCondEvaluator>(runner_, std::move(placed), policy,
                                                        strengths_, std::move(windows));
  return known;
}

void UnitEvaluatorRun::note_hooks(const ResolvedCond& cond, KnownLists& known) const {
  known.has_plugin_hooks = known.has_plugin_hooks || !cond.tensors.plugin_hooks.empty();
  for (const std::string& group : cond.hooks) {
    const auto& hooks = accepted_.job.job.hooks.at(group);
    const auto is_timed = [](const job::Hook& hook) { return !hook.keyframes.empty(); };
    if (std::ranges::any_of(hooks, is_timed)) known.timed_groups.insert(group);
  }
}

void UnitEvaluatorRun::set_strengths(const EvaluateRequest& request, const KnownLists& known) {
  const HookGroups& groups = accepted_.job.job.hooks;
  for (const auto& [group, strength] : request.hook_strengths) {
    const std::string path = key_path("hook_strengths", group);
    const auto found = groups.find(group);
    if (found == groups.end()) {
      refuse(ErrorCode::kNotFound, path, "there is no group of hooks of this id.");
    }
    if (std::ranges::none_of(found->second, is_weight_hook)) {
      refuse(ErrorCode::kBadRequest, path, "hooks of plug-ins have no strength.");
    }
  }
  for (const std::string& group : known.timed_groups) {
    if (request.hook_strengths.contains(group)) continue;
    refuse(ErrorCode::kBadRequest, key_path("hook_strengths", group),
           "expected the group's strength of this moment, since its hooks have keyframes.");
  }
  strengths_->set(request.hook_strengths);
}

void UnitEvaluatorRun::set_sigmas(const EvaluateRequest& request, const KnownLists& known) {
  std::vector<float> sigmas = to_floats(request.sigmas);
  const std::size_t items = static_cast<std::size_t>(accepted_.shape.front());
  if (sigmas.size() != 1 && sigmas.size() != items) {
    refuse(ErrorCode::kBadRequest, "sigma",
           "expected one number, or one for each of " + std::to_string(items) + " items, found " +
               std::to_string(sigmas.size()) + ".");
  }
  if (all_equal(sigmas)) sigmas.clear();
  if (!sigmas.empty() && known.has_plugin_hooks) {
    refuse(ErrorCode::kUnsupported, "sigma",
           "a plug-in's hooks are told one noise level, not one for each item.");
  }
  runner_.set_item_sigmas(std::move(sigmas));
}

void UnitEvaluatorExecutor::check(const AcceptedEvaluator& evaluator) const {
  const AcceptedJob& job = evaluator.job;
  require_supported(job.job);
  if (!job.info.has_unet) {
    refuse(ErrorCode::kBadRequest, "model.file",
           "an evaluator needs a checkpoint with a diffusion model.");
  }
  if (evaluator.shape[1] != job.info.latent.channels) {
    refuse(ErrorCode::kBadShape, "latent.shape",
           "the model's latents have " + std::to_string(job.info.latent.channels) +
               " channels, not " + std::to_string(evaluator.shape[1]) + ".");
  }
  check_plugin_hooks(job.job, plugins_);
  make_windows(evaluator);
}

std::unique_ptr<EvaluatorRun> UnitEvaluatorExecutor::open(const AcceptedEvaluator& evaluator,
                                                          UnitExecutor& units) {
  return std::make_unique<UnitEvaluatorRun>(evaluator, units);
}

}  // namespace tandem::coordinator
