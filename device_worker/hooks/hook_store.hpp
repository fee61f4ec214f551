// The plug-ins' hooks that this worker has made for conds.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "plugin/loading/plugin_set.hpp"
#include "protocol/ids.hpp"
#include "protocol/plugin_hook.hpp"

namespace tandem::worker {

struct LiveHook {
  plugin::HookPoint point = plugin::HookPoint::kWrapper;
  std::string plugin;
  std::shared_ptr<plugin::Hook> hook;
};

// In the job's order.
using LiveHooks = std::vector<LiveHook>;

// Conds that name the same hook with the same options share one object, which ends with the last of
// them, that is, with the job.
class HookStore {
 public:
  explicit HookStore(const PluginSet& plugins) : plugins_(plugins) {}

  void put(ConstantId cond, std::vector<PluginHook> hooks);
  void drop(ConstantId cond);

  // The hooks of a unit's conds, of which all carry the same, made (additional models: loaded) when
  // they are first asked for. Throws kUnsupported where no plug-in fills a point, and what the
  // plug-in throws (guarded.hpp).
  const LiveHooks& of(const std::vector<ConstantId>& conds);

 private:
  struct Entry {
    std::vector<PluginHook> asked;
    LiveHooks live;
  };

  LiveHook live(const PluginHook& asked) const;

  const PluginSet& plugins_;
  std::map<ConstantId, Entry> conds_;
};

}  // namespace tandem::worker
