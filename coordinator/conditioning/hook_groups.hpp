// The hooks that a job names, in groups, and what a cond that carries some of them gets.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "protocol/job/job.hpp"

namespace tandem::coordinator {

// By the ids of the job's "hooks".
using HookGroups = std::map<std::string, std::vector<job::Hook>>;

// Those of other types are plug-ins'.
inline bool is_weight_hook(const job::Hook& hook) {
  return hook.type == "weight";
}

// The hooks of these groups combined, in order, each once (ComfyUI's clone_and_combine). The hooks
// stay the groups'. Groups must be there: parse_job checks that.
inline std::vector<const job::Hook*> combined_hooks(const HookGroups& groups,
                                                    const std::vector<std::string>& ids) {
  std::vector<const job::Hook*> hooks;
  std::set<std::string> seen;
  for (const std::string& id : ids) {
    if (!seen.insert(id).second) continue;
    for (const job::Hook& hook : groups.at(id))
      hooks.push_back(&hook);
  }
  return hooks;
}

// Of combined_hooks the weight hooks.
inline std::vector<const job::Hook*> weight_hooks(const HookGroups& groups,
                                                  const std::vector<std::string>& ids) {
  std::vector<const job::Hook*> hooks = combined_hooks(groups, ids);
  std::erase_if(hooks, [](const job::Hook* hook) { return !is_weight_hook(*hook); });
  return hooks;
}

}  // namespace tandem::coordinator
