#include "device_worker/model_store.hpp"

#include "protocol/error.hpp"

namespace tandem::worker {
namespace {

// What was opened must be what the coordinator looked at when it accepted the job.
void check_unchanged(const LoadedModel& model, const std::vector<FileStamp>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (i < model.files().size() && model.files()[i] == expected[i]) continue;
    throw Error(ErrorCode::kBadCheckpoint,
                expected[i].path + " was changed while the job was waiting.",
                "Submit the job again.", expected[i].path);
  }
}

}  // namespace

LoadedModel& ModelStore::load(const LoadModel& message, models::WeightCopies& copies) {
  auto it = models_.find(message.model);
  if (it == models_.end()) {
    auto model = device_.open(message.spec);
    check_unchanged(*model, message.files);
    model->set_patch_budget(patch_budget_);
    model->load(message.part, copies);
    it = models_.emplace(message.model, StoredModel{std::move(model), {}}).first;
  } else {
    it->second.model->load(message.part, copies);
  }
  it->second.parts.insert(message.part);
  return *it->second.model;
}

void ModelStore::unload(ModelId model, ModelPart part) {
  const auto it = models_.find(model);
  if (it == models_.end() || it->second.parts.erase(part) == 0) return;
  it->second.model->unload(part);
  if (!it->second.parts.empty()) return;
  models_.erase(it);
  for (auto& [id, cond] : conds_)
    cond.prepared.erase(model);
}

LoadedModel& ModelStore::at(ModelId model) {
  const auto it = models_.find(model);
  if (it == models_.end())
    throw Error(ErrorCode::kNotFound, "The unit's model is not loaded here.");
  return *it->second.model;
}

void ModelStore::put(ConstantId constant, CondInput cond) {
  conds_[constant] = StoredCond{std::move(cond), {}};
}

const ModelCond& ModelStore::cond(ModelId model, ConstantId constant) {
  const auto it = conds_.find(constant);
  if (it == conds_.end()) throw Error(ErrorCode::kNotFound, "The unit's cond was not sent here.");
  auto& prepared = it->second.prepared[model];
  if (!prepared) prepared = at(model).prepare(it->second.input);
  return *prepared;
}

}  // namespace tandem::worker
