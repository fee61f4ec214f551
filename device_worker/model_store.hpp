// The models that this worker has loaded, and the conds that it was sent.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>

#include "device_worker/device/device.hpp"
#include "protocol/worker_message.hpp"

namespace tandem::worker {

class ModelStore {
 public:
  // patch_budget: bytes of patched weights that each model may keep (LoadedModel).
  explicit ModelStore(Device& device, std::uint64_t patch_budget = 0)
      : device_(device), patch_budget_(patch_budget) {}

  // Opens the model where it is new, checks that its files are those that the coordinator saw, and
  // loads the part. Throws tandem::Error; then a new model is not kept.
  LoadedModel& load(const LoadModel& message, models::WeightCopies& copies);
  // Lets go of the part, and of the model with its last one.
  void unload(ModelId model, ModelPart part);

  // Throws kNotFound.
  LoadedModel& at(ModelId model);

  void put(ConstantId constant, CondInput cond);
  void drop(ConstantId constant) { conds_.erase(constant); }
  // The cond as this model wants it; prepared at its first use. Throws kNotFound.
  const ModelCond& cond(ModelId model, ConstantId constant);

 private:
  struct StoredCond {
    CondInput input;
    std::map<ModelId, std::unique_ptr<ModelCond>> prepared;
  };

  struct StoredModel {
    std::unique_ptr<LoadedModel> model;
    std::set<ModelPart> parts;
  };

  Device& device_;
  std::uint64_t patch_budget_;
  std::map<ModelId, StoredModel> models_;
  std::map<ConstantId, StoredCond> conds_;
};

}  // namespace tandem::worker
