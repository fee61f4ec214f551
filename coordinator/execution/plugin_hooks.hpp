// Hooks of plug-ins, as a job names them and as its conds carry them.
#pragma once

#include <vector>

#include "plugin/loading/plugin_set.hpp"
#include "protocol/job/job.hpp"
#include "protocol/plugin_hook.hpp"

namespace tandem::coordinator {

// Each hook of the job's groups that is a plug-in's has one that fills its point and accepts its
// options, whether a cond uses it or not. Throws kUnsupported and kBadRequest, naming the key.
void check_plugin_hooks(const job::Job& job, const PluginSet& plugins);

// Those of the cond's groups, in the order of the groups and of the hooks in them.
std::vector<PluginHook> plugin_hooks_of(const job::Job& job, const job::Cond& cond);

}  // namespace tandem::coordinator
