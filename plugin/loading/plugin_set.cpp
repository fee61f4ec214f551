#include "plugin/loading/plugin_set.hpp"

#include <algorithm>
#include <array>

#include <boost/json/object.hpp>

#include "protocol/error.hpp"
#include "protocol/json_text.hpp"

namespace tandem {
namespace {

constexpr std::array<std::string_view, 6> kPoints = {
    "object_patch", "additional_model", "transformer_options", "injection", "wrapper", "callback"};

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "none" : text;
}

[[noreturn]] void refuse(const std::string& path, const std::string& why, const std::string& hint) {
  throw Error(ErrorCode::kUnsupported, (path.empty() ? "" : path + ": ") + why, hint, path);
}

}  // namespace

std::string_view name(plugin::HookPoint point) {
  return kPoints.at(static_cast<std::size_t>(point));
}

PluginSet::PluginSet(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    const PluginLibrary& added = libraries_.emplace_back(file);
    const auto same = std::ranges::find(libraries_, added.name(), &PluginLibrary::name);
    if (&*same == &added) continue;
    throw Error(
        ErrorCode::kBadRequest,
        "plug-in " + file + ": " + same->file() + " has the name '" + added.name() + "' too.", {},
        file);
  }
}

const PluginLibrary& PluginSet::find(const std::string& plugin, const std::string& path) const {
  const auto it = std::ranges::find(libraries_, plugin, &PluginLibrary::name);
  if (it != libraries_.end()) return *it;
  std::vector<std::string> known;
  for (const PluginLibrary& library : libraries_)
    known.push_back(library.name());
  refuse(path, "no plug-in '" + shown(plugin) + "' is loaded; there are: " + listed(known) + ".",
         "Start the service with --plugin FILE.");
}

const plugin::HookRow& PluginSet::hook(const std::string& plugin, std::string_view point,
                                       const std::string& path) const {
  const PluginLibrary& library = find(plugin, path);
  std::vector<std::string> known;
  for (const plugin::HookRow& row : library.hooks()) {
    if (name(row.point) == point) return row;
    known.emplace_back(name(row.point));
  }
  refuse(path,
         "the plug-in '" + plugin + "' does not fill the point '" + shown(point) +
             "'; it fills: " + listed(known) + ".",
         {});
}

const plugin::UnitKind& PluginSet::unit_kind(const std::string& plugin, const std::string& kind,
                                             const std::string& path) const {
  const PluginLibrary& library = find(plugin, path);
  std::vector<std::string> known;
  for (const plugin::UnitKindRow& row : library.unit_kinds()) {
    if (row.name == kind) return *row.kind;
    known.push_back(row.name);
  }
  refuse(path,
         "the plug-in '" + plugin + "' has no unit kind '" + shown(kind) +
             "'; it has: " + listed(known) + ".",
         {});
}

boost::json::array PluginSet::catalog() const {
  boost::json::array entries;
  for (const PluginLibrary& library : libraries_) {
    boost::json::array points;
    for (const plugin::HookRow& row : library.hooks())
      points.emplace_back(name(row.point));
    boost::json::array kinds;
    for (const plugin::UnitKindRow& row : library.unit_kinds())
      kinds.emplace_back(row.name);
    entries.push_back({{"name", library.name()},
                       {"file", library.file()},
                       {"hook_points", std::move(points)},
                       {"unit_kinds", std::move(kinds)}});
  }
  return entries;
}

std::vector<std::string_view> PluginSet::filled_points() const {
  std::vector<std::string_view> filled;
  for (const std::string_view point : kPoints) {
    const auto fills = [&](const PluginLibrary& library) {
      return std::ranges::any_of(library.hooks(),
                                 [&](const auto& row) { return name(row.point) == point; });
    };
    if (std::ranges::any_of(libraries_, fills)) filled.push_back(point);
  }
  return filled;
}

}  // namespace tandem
