// A job's "plugin": split by the plug-in into units, run by workers, merged by the plug-in.
#pragma once

#include <vector>

#include "coordinator/execution/result_file.hpp"
#include "coordinator/service/job_executor.hpp"
#include "plugin/loading/plugin_set.hpp"

namespace tandem::coordinator {

// The plug-in and its kind are there, and accept the job's options and tensors. Throws
// kUnsupported, kMissingTensor, kBadRequest, naming the key.
void check_plugin_work(const AcceptedJob& job, const PluginSet& plugins);

// The merged output, under the plug-in's names. Throws what the units and the plug-in throw:
// kBadRequest for what it refuses, kInternal for results that are none.
std::vector<NamedTensor> run_plugin_work(const AcceptedJob& job, UnitExecutor& units,
                                         const PluginSet& plugins);

}  // namespace tandem::coordinator
