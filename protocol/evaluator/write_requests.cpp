#include <boost/json/array.hpp>

#include "protocol/evaluator/json.hpp"
#include "protocol/evaluator/patch_kinds.hpp"
#include "protocol/job/writers.hpp"

namespace tandem::evaluator {
namespace {

using namespace job::detail;

json::object write_cond(const Cond& cond) {
  json::object out = job::detail::write(cond.cond);
  if (cond.model_conds) {
    out.erase("text");  // of the prompt that it has not
    ObjectWriter inputs;
    inputs.always("c_crossattn", json::value(cond.model_conds->context));
    inputs.put("y", cond.model_conds->y);
    inputs.put("c_concat", cond.model_conds->concat);
    out["model_conds"] = inputs.take();
  }
  if (cond.sigma_start) out["sigma_start"] = *cond.sigma_start;
  if (cond.sigma_end) out["sigma_end"] = *cond.sigma_end;
  return out;
}

json::object write_conds(const Conds& conds) {
  json::object out;
  for (const auto& [id, cond] : conds)
    out[id] = write_cond(cond);
  return out;
}

json::object write_patch(const WeightPatch& patch) {
  ObjectWriter out;
  out.always("key", json::value(patch.key));
  out.always("kind", json::value(job::name_of(patch.kind, kPatchKinds)));
  out.put("strength", patch.strength, WeightPatch{}.strength);
  out.put("alpha", patch.alpha);
  json::object tensors;
  for (const auto& [part, name] : patch.tensors)
    tensors[part] = name;
  out.always("tensors", std::move(tensors));
  return out.take();
}

}  // namespace

void write(json::object& out, const PrepareRequest& request) {
  ObjectWriter parts;
  parts.always("model", job::detail::write(request.job.model));
  parts.put("hooks", job::detail::write(request.job.hooks));
  parts.put("sampling", job::detail::write(request.job.sampling));
  if (request.job.context) parts.always("context", job::detail::write(*request.job.context));
  parts.put("workers", job::detail::write(request.job.workers));
  for (auto& member : parts.take())
    out[member.key()] = member.value();
  if (!request.sigmas.empty())
    out["sigmas"] = json::array(request.sigmas.begin(), request.sigmas.end());
  out["latent"] = {{"shape", json::array(request.shape.begin(), request.shape.end())}};
  if (!request.conds.empty()) out["conds"] = write_conds(request.conds);
  if (!request.patches.empty()) {
    json::array& patches = out["patches"].emplace_array();
    for (const WeightPatch& patch : request.patches)
      patches.push_back(write_patch(patch));
  }
  if (request.tensors) out["tensors"] = *request.tensors;
  if (!request.slots) return;
  out["slots"] = {{"input", request.slots->input},
                  {"output", request.slots->output},
                  {"lists", request.slots->lists}};
}

void write(json::object& out, const AddCondsRequest& request) {
  out["evaluator"] = request.evaluator;
  out["conds"] = write_conds(request.conds);
  if (request.tensors) out["tensors"] = *request.tensors;
}

void write(json::object& out, const DropCondsRequest& request) {
  out["evaluator"] = request.evaluator;
  out["conds"] = list_of(request.conds);
}

void write(json::object& out, const EvaluateRequest& request) {
  out["evaluator"] = request.evaluator;
  const auto& sigmas = request.sigmas;
  out["sigma"] = sigmas.size() == 1 ? json::value(sigmas.front())
                                    : json::value(json::array(sigmas.begin(), sigmas.end()));
  json::array& lists = out["lists"].emplace_array();
  for (const auto& list : request.lists)
    lists.push_back(list_of(list));
  json::object strengths;
  for (const auto& [group, strength] : request.hook_strengths)
    strengths[group] = strength;
  if (!strengths.empty()) out["hook_strengths"] = std::move(strengths);
  if (request.tensors) out["tensors"] = *request.tensors;
  if (request.slot) out["slot"] = true;
}

}  // namespace tandem::evaluator
