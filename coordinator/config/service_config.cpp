#include "coordinator/config/service_config.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "coordinator/config/extra_model_paths.hpp"
#include "coordinator/config/yaml_file.hpp"
#include "coordinator/workers/budget_list.hpp"
#include "coordinator/workers/device_list.hpp"
#include "protocol/error.hpp"
#include "protocol/object_reader.hpp"

namespace tandem::coordinator {
namespace {

std::string join(const std::vector<std::string>& items) {
  std::string joined;
  for (const std::string& item : items)
    joined += (joined.empty() ? "" : ",") + item;
  return joined;
}

// A list of the command line's: what is wrong with it is wrong at this place of the file.
template <class Parse>
std::string checked(const YamlFile& file, const YAML::Node& node, const char* key, std::string list,
                    const Parse& parse) {
  try {
    parse(list);
  } catch (const Error& error) {
    file.refuse(node, key, error.what());
  }
  return list;
}

std::string read_budgets(const YamlFile& file, const YAML::Node& node) {
  std::vector<std::string> items;
  if (node.IsMap()) {
    file.read_entries(node, "budgets", [&](const auto& device, const auto&, const auto& size) {
      items.push_back(device + "=" + file.text(size, "budgets." + device));
    });
  } else {
    items = file.texts(node, "budgets");
  }
  return checked(file, node, "budgets", join(items), parse_budget_list);
}

std::vector<std::string> read_roots(const YamlFile& file, const YAML::Node& node) {
  std::vector<std::string> roots;
  for (const std::string& text : file.texts(node, "roots")) {
    const std::string root = absolute_below(file.folder(), text);
    if (!std::filesystem::is_directory(root)) {
      file.refuse(node, "roots", root + " is no folder that can be read.");
    }
    roots.push_back(root);
  }
  if (roots.empty()) file.refuse(node, "roots", "expected at least one folder.");
  return roots;
}

void read_models(const YamlFile& file, const YAML::Node& node, FoldersByKind& folders) {
  file.read_entries(node, "models", [&](const auto& kind, const auto& at, const auto& value) {
    const auto kinds = model_folder_kinds();
    if (std::ranges::find(kinds, kind) == kinds.end()) {
      file.refuse(at, "models." + kind,
                  "there is no such kind of model folder. " + hint_for_name(kind, kinds));
    }
    for (const std::string& folder : file.texts(value, "models." + kind))
      folders[kind].push_back(absolute_below(file.folder(), folder));
  });
}

void read_extra(const YamlFile& file, const YAML::Node& node, FoldersByKind& folders) {
  for (const std::string& path : file.texts(node, "extra_model_paths"))
    add_extra_model_paths(absolute_below(file.folder(), path), folders);
}

}  // namespace

ServiceConfig read_config(const std::string& path) {
  constexpr std::array<std::string_view, 5> kKeys = {"devices", "budgets", "roots", "models",
                                                     "extra_model_paths"};
  const YamlFile file(path);
  ServiceConfig config;
  file.read_entries(file.root(), "the file",
                    [&](const std::string& key, const YAML::Node& at, const YAML::Node& value) {
                      if (std::ranges::find(kKeys, key) == kKeys.end()) {
                        file.refuse(at, key, "there is no such key. " + hint_for_name(key, kKeys));
                      }
                      if (key == "devices") {
                        config.devices =
                            checked(file, value, "devices", join(file.texts(value, key)),
                                    [](const std::string& list) { parse_device_list(list); });
                      }
                      if (key == "budgets") config.budget = read_budgets(file, value);
                      if (key == "roots") config.roots = read_roots(file, value);
                      if (key == "models") read_models(file, value, config.folders);
                    });
  // After "models", wherever it stands.
  if (const YAML::Node extra = file.root()["extra_model_paths"]; file.root().IsMap() && extra) {
    read_extra(file, extra, config.folders);
  }
  return config;
}

std::string default_config_file() {
  const char* base = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  if (base != nullptr && *base == '/') return std::string(base) + "/tandem/config.yaml";
  return home == nullptr ? std::string() : std::string(home) + "/.config/tandem/config.yaml";
}

}  // namespace tandem::coordinator
