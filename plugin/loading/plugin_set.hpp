// The plug-ins that a service was started with, found by name.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>

#include "plugin/loading/plugin_library.hpp"

namespace tandem {

// "object_patch", "wrapper" ...: the types of hooks in a job.
std::string_view name(plugin::HookPoint point);

// Must outlive everything that its plug-ins made.
class PluginSet {
 public:
  PluginSet() = default;
  // In this order. Throws what PluginLibrary throws, and kBadRequest for two of one name.
  explicit PluginSet(const std::vector<std::string>& files);

  // Both throw kUnsupported where there is no such plug-in, point or kind, naming it, `path` (the
  // key of the job that asks, may be empty) and what there is. `point` is a hook's type.
  const plugin::HookRow& hook(const std::string& plugin, std::string_view point,
                              const std::string& path) const;
  const plugin::UnitKind& unit_kind(const std::string& plugin, const std::string& kind,
                                    const std::string& path) const;

  // [{"name", "file", "hook_points": [...], "unit_kinds": [...]}]: as `catalog` tells.
  boost::json::array catalog() const;
  // The points that at least one plug-in fills, in the order of HookPoint.
  std::vector<std::string_view> filled_points() const;

 private:
  const PluginLibrary& find(const std::string& plugin, const std::string& path) const;

  std::list<PluginLibrary> libraries_;  // stay where they are
};

}  // namespace tandem
