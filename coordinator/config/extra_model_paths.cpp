#include "coordinator/config/extra_model_paths.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "coordinator/config/yaml_file.hpp"

namespace tandem::coordinator {
namespace {

bool is_name_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// $NAME and ${NAME}, as Python's os.path.expandvars: one that is not set stays as it is.
std::string expand_variables(const std::string& text) {
  std::string expanded;
  for (std::size_t i = 0; i < text.size();) {
    const bool braced = text[i] == '$' && i + 1 < text.size() && text[i + 1] == '{';
    const std::size_t begin = i + (braced ? 2 : 1);
    std::size_t end = begin;
    while (text[i] == '$' && end < text.size() && is_name_character(text[end]))
      ++end;
    const bool closed = !braced || (end < text.size() && text[end] == '}');
    const char* value =
        end > begin && closed ? std::getenv(text.substr(begin, end - begin).c_str()) : nullptr;
    if (value == nullptr) {
      expanded += text[i++];
      continue;
    }
    expanded += value;
    i = end + (braced ? 1 : 0);
  }
  return expanded;
}

// ComfyUI's names of before.
std::string kind_of(const std::string& key) {
  if (key == "unet") return "diffusion_models";
  return key == "clip" ? "text_encoders" : key;
}

void add(std::vector<std::string>& folders, const std::string& folder, bool first) {
  const auto known = std::ranges::find(folders, folder);
  if (known != folders.end() && !first) return;
  if (known != folders.end()) folders.erase(known);
  folders.insert(first ? folders.begin() : folders.end(), folder);
}

bool truth(const YamlFile& file, const YAML::Node& node, const std::string& key) {
  bool value = false;
  if (!YAML::convert<bool>::decode(node, value)) file.refuse(node, key, "expected true or false.");
  return value;
}

void add_section(const YamlFile& file, const YAML::Node& section, const std::string& name,
                 FoldersByKind& folders) {
  std::string base = file.folder();
  bool first = false;
  file.read_entries(section, name, [&](const auto& key, const auto&, const YAML::Node& value) {
    if (key == "base_path") {
      base = absolute_below(base, expand_variables(file.text(value, key)));
    }
    if (key == "is_default") first = truth(file, value, key);
  });
  file.read_entries(section, name, [&](const auto& key, const auto&, const YAML::Node& value) {
    if (key == "base_path" || key == "is_default") return;
    std::istringstream lines(file.text(value, key));
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) add(folders[kind_of(key)], absolute_below(base, line), first);
    }
  });
}

}  // namespace

void add_extra_model_paths(const std::string& path, FoldersByKind& folders) {
  const YamlFile file(path);
  file.read_entries(file.root(), "the file",
                    [&](const auto& name, const auto&, const YAML::Node& section) {
                      add_section(file, section, name, folders);
                    });
}

}  // namespace tandem::coordinator
