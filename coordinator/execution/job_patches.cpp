#include "coordinator/execution/job_patches.hpp"

namespace tandem::coordinator {
namespace {

PatchSet patches(const AcceptedJob& job, double job::Lora::*strength,
                 const std::vector<HookStrength>& hooks) {
  PatchSet set;
  for (const job::Lora& lora : job.job.model.loras)
    set.loras.push_back({job.side_files.at(lora.file), lora.*strength});
  for (const HookStrength& hook : hooks)
    set.hooks.push_back({job.side_files.at(hook.file), hook.strength});
  return set;
}

}  // namespace

PatchSet model_patches(const AcceptedJob& job, const std::vector<HookStrength>& hooks) {
  PatchSet set = patches(job, &job::Lora::strength_model, hooks);
  set.loras.insert(set.loras.end(), job.weight_patches.begin(), job.weight_patches.end());
  return set;
}

PatchSet text_patches(const AcceptedJob& job, const std::vector<HookStrength>& hooks) {
  return patches(job, &job::Lora::strength_clip, hooks);
}

}  // namespace tandem::coordinator
