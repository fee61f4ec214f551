#include "device_worker/hooks/hook_store.hpp"

#include "plugin/loading/guarded.hpp"
#include "plugin/loading/options.hpp"

namespace tandem::worker {

void HookStore::put(ConstantId cond, std::vector<PluginHook> hooks) {
  conds_.insert_or_assign(cond, Entry{std::move(hooks), {}});
}

void HookStore::drop(ConstantId cond) {
  conds_.erase(cond);
}

const LiveHooks& HookStore::of(const std::vector<ConstantId>& conds) {
  static const LiveHooks kNone;
  const auto it = conds.empty() ? conds_.end() : conds_.find(conds.front());
  if (it == conds_.end()) return kNone;
  Entry& entry = it->second;
  if (entry.live.size() == entry.asked.size()) return entry.live;
  LiveHooks made;
  for (const PluginHook& asked : entry.asked)
    made.push_back(live(asked));
  entry.live = std::move(made);
  return entry.live;
}

LiveHook HookStore::live(const PluginHook& asked) const {
  for (const auto& [id, entry] : conds_) {
    for (std::size_t i = 0; i < entry.live.size(); ++i) {
      if (entry.asked[i] == asked) return entry.live[i];
    }
  }
  const plugin::HookRow& row = plugins_.hook(asked.plugin, asked.point, "hooks");
  return guarded(asked.plugin, "hooks", [&] {
    LiveHook made{row.point, asked.plugin, row.make(plugin_options(asked.options))};
    if (row.point == plugin::HookPoint::kAdditionalModel) made.hook->load();
    return made;
  });
}

}  // namespace tandem::worker
