#include "protocol/evaluator/json.hpp"
#include "protocol/evaluator/limits.hpp"
#include "protocol/evaluator/patch_kinds.hpp"
#include "protocol/job/readers.hpp"

namespace tandem::evaluator {
namespace {

namespace json = boost::json;

void read_evaluator(ObjectReader& keys, std::string& field) {
  keys.require("evaluator");
  keys.read("evaluator", field, kEvaluatorId);
}

std::vector<std::int64_t> read_shape(ObjectReader& keys) {
  keys.require("shape");
  std::vector<std::int64_t> shape;
  const std::string path = keys.path_of("shape");
  for (const json::value& side : to_array(*keys.find("shape"), path, kLatentDims))
    shape.push_back(to_whole(side, key_path(path, shape.size()), kSide));
  if (shape.size() == kLatentDims) return shape;
  throw Error(ErrorCode::kBadRequest, path + ": expected batch, channels, height and width", {},
              path);
}

WeightPatch read_patch(ObjectReader& keys) {
  WeightPatch patch;
  for (const std::string_view key : {"key", "kind", "tensors"})
    keys.require(key);
  keys.read("key", patch.key, kModelKey);
  keys.read("kind", patch.kind, kPatchKinds);
  keys.read("strength", patch.strength, kAnyNumber);
  keys.read("alpha", patch.alpha, kAnyNumber);
  keys.read_members("tensors", kMaxPatchTensors,
                    [&](const std::string& part, const json::value& name, const std::string& path) {
                      if (find_part(patch.kind, part) == nullptr) {
                        std::vector<std::string_view> known;
                        for (const PatchPart& row : parts_of(patch.kind))
                          known.push_back(row.name);
                        throw Error(ErrorCode::kUnknownKey,
                                    path + ": a patch of this kind has no such part",
                                    hint_for_name(part, known), path);
                      }
                      patch.tensors[part] = to_text(name, path, job::kTensorNameRule);
                    });
  return patch;
}

Slots read_slots(ObjectReader& keys) {
  Slots slots;
  for (const std::string_view key : {"input", "output"})
    keys.require(key);
  keys.read("input", slots.input, kDescriptorIndex);
  keys.read("output", slots.output, kDescriptorIndex);
  keys.read("lists", slots.lists, kListCount);
  return slots;
}

void check_hooks(const job::Job& job, const Conds& conds) {
  for (const auto& [id, cond] : conds) {
    for (const std::string& group : cond.cond.hooks) {
      if (job.hooks.contains(group)) continue;
      const std::string path = key_path(key_path("conds", id), "hooks");
      throw Error(ErrorCode::kBadRequest,
                  path + ": expected the id of a group in 'hooks', found \"" + shown(group) + "\"",
                  {}, path);
    }
  }
}

std::vector<double> to_sigmas(const json::value& list, std::string_view path, std::size_t most) {
  std::vector<double> sigmas;
  for (const json::value& item : to_array(list, std::string(path), most))
    sigmas.push_back(to_number(item, key_path(path, sigmas.size()), kSigma));
  return sigmas;
}

std::vector<double> read_sigma(ObjectReader& keys) {
  keys.require("sigma");
  const json::value& sigma = *keys.find("sigma");
  if (!sigma.is_array()) return {to_number(sigma, "sigma", kSigma)};
  return to_sigmas(sigma, "sigma", static_cast<std::size_t>(kSide.most));
}

// Of the host's run.
std::vector<double> read_run_sigmas(ObjectReader& keys) {
  const json::value* list = keys.find("sigmas");
  if (list == nullptr) return {};
  std::vector<double> sigmas = to_sigmas(*list, "sigmas", kMaxSigmas);
  if (keys.has("context") && !sigmas.empty()) return sigmas;
  throw Error(ErrorCode::kBadRequest,
              sigmas.empty() ? "sigmas: expected at least one number"
                             : "sigmas: says nothing without context",
              {}, "sigmas");
}

std::vector<std::vector<std::string>> read_lists(ObjectReader& keys) {
  keys.require("lists");
  std::vector<std::vector<std::string>> lists;
  for (const json::value& list : to_array(*keys.find("lists"), "lists", kMaxLists)) {
    const std::string path = key_path("lists", lists.size());
    std::vector<std::string>& ids = lists.emplace_back();
    for (const json::value& id : to_array(list, path, kMaxListed))
      ids.push_back(to_text(id, key_path(path, ids.size()), job::kId));
  }
  if (!lists.empty()) return lists;
  throw Error(ErrorCode::kBadRequest, "lists: expected at least one list", {}, "lists");
}

}  // namespace

PrepareRequest read_prepare(ObjectReader& keys) {
  using namespace job::detail;
  PrepareRequest request;
  job::Job& job = request.job;
  keys.require("model");
  keys.read_object("model", [&](ObjectReader& k) { job.model = read_model(k); });
  read_hook_groups(keys, job.hooks);
  keys.read_object("sampling", [&](ObjectReader& k) { job.sampling = read_sampling(k); });
  keys.read_object("context", [&](ObjectReader& k) { job.context = read_context(k); });
  request.sigmas = read_run_sigmas(keys);
  keys.read_object("workers", [&](ObjectReader& k) { job.workers = read_workers(k); });
  keys.require("latent");
  keys.read_object("latent", [&](ObjectReader& k) { request.shape = read_shape(k); });
  request.conds = read_conds(keys);
  keys.read_objects("patches", kMaxPatches,
                    [&](ObjectReader& k) { request.patches.push_back(read_patch(k)); });
  keys.read("tensors", request.tensors, kDescriptorIndex);
  keys.read_object("slots", [&](ObjectReader& k) { request.slots = read_slots(k); });
  check_hooks(job, request.conds);
  return request;
}

AddCondsRequest read_add_conds(ObjectReader& keys) {
  AddCondsRequest request;
  read_evaluator(keys, request.evaluator);
  keys.require("conds");
  request.conds = read_conds(keys);
  keys.read("tensors", request.tensors, kDescriptorIndex);
  return request;
}

DropCondsRequest read_drop_conds(ObjectReader& keys) {
  DropCondsRequest request;
  read_evaluator(keys, request.evaluator);
  keys.require("conds");
  keys.read("conds", request.conds, job::kId, kMaxConds);
  return request;
}

EvaluateRequest read_evaluate(ObjectReader& keys) {
  EvaluateRequest request;
  read_evaluator(keys, request.evaluator);
  request.sigmas = read_sigma(keys);
  request.lists = read_lists(keys);
  keys.read_members("hook_strengths", job::kMaxHookGroups,
                    [&](const std::string& id, const json::value& value, const std::string& path) {
                      request.hook_strengths[id] = to_number(value, path, kAnyNumber);
                    });
  keys.read("tensors", request.tensors, kDescriptorIndex);
  keys.read("slot", request.slot);
  if (request.slot == request.tensors.has_value()) {
    throw Error(ErrorCode::kBadRequest,
                "slot: expected x in the slot, or in the tensors of the message", {}, "slot");
  }
  return request;
}

}  // namespace tandem::evaluator
