#include "coordinator/execution/plugin_hooks.hpp"

#include "coordinator/conditioning/hook_groups.hpp"
#include "plugin/loading/guarded.hpp"
#include "plugin/loading/options.hpp"
#include "protocol/json_text.hpp"

namespace tandem::coordinator {
namespace {

void check(const job::Hook& hook, const PluginSet& plugins, const std::string& path) {
  const plugin::HookRow& row = plugins.hook(hook.plugin, hook.type, path);
  guarded(hook.plugin, path + ".options", [&] { row.make(plugin_options(hook.options)); });
}

}  // namespace

void check_plugin_hooks(const job::Job& job, const PluginSet& plugins) {
  for (const auto& [id, hooks] : job.hooks) {
    const std::string group = key_path("hooks", id);
    for (std::size_t i = 0; i < hooks.size(); ++i) {
      if (!is_weight_hook(hooks[i])) check(hooks[i], plugins, key_path(group, i));
    }
  }
}

std::vector<PluginHook> plugin_hooks_of(const job::Job& job, const job::Cond& cond) {
  std::vector<PluginHook> found;
  for (const job::Hook* hook : combined_hooks(job.hooks, cond.hooks)) {
    if (!is_weight_hook(*hook)) found.push_back({hook->type, hook->plugin, hook->options});
  }
  return found;
}

}  // namespace tandem::coordinator
