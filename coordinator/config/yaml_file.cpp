#include "coordinator/config/yaml_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(YamlFile::kMostBytes + 1, '\0');
  if (!file || !file.read(text.data(), static_cast<std::streamsize>(text.size())).eof()) {
    if (file) {
      throw Error(
          ErrorCode::kBadRequest,
          path + ": the file is larger than " + std::to_string(YamlFile::kMostBytes) + " bytes.",
          {}, path);
    }
    throw Error(ErrorCode::kMissingFile, path + ": the file cannot be read.", {}, path);
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace

YamlFile::YamlFile(std::string path) : path_(std::move(path)) {
  try {
    root_ = YAML::Load(read_text(path_));
  } catch (const YAML::Exception& error) {
    throw Error(ErrorCode::kBadRequest,
                path_ + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg, {}, path_);
  }
}

std::string YamlFile::folder() const {
  return std::filesystem::absolute(path_).parent_path().string();
}

void YamlFile::refuse(const YAML::Node& at, std::string_view key,
                      const std::string& message) const {
  throw Error(
      ErrorCode::kBadRequest,
      path_ + ":" + std::to_string(at.Mark().line + 1) + ": " + std::string(key) + ": " + message,
      {}, path_);
}

void YamlFile::read_entries(const YAML::Node& node, std::string_view key,
                            const EntryReader& read) const {
  if (!node || node.IsNull()) return;
  if (!node.IsMap()) refuse(node, key, "expected a mapping of keys to values.");
  if (node.size() > kMostEntries) refuse(node, key, "there are too many entries.");
  std::set<std::string> seen;
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) refuse(entry.first, key, "a key is a text.");
    const std::string& name = entry.first.Scalar();
    if (!seen.insert(name).second) refuse(entry.first, name, "the key comes twice.");
    read(name, entry.first, entry.second);
  }
}

std::string YamlFile::text(const YAML::Node& node, std::string_view key) const {
  if (!node.IsScalar() || node.Scalar().empty()) refuse(node, key, "expected a text.");
  return node.Scalar();
}

std::vector<std::string> YamlFile::texts(const YAML::Node& node, std::string_view key) const {
  if (node.IsScalar()) return {text(node, key)};
  if (!node.IsSequence()) refuse(node, key, "expected a text or a list of texts.");
  if (node.size() > kMostEntries) refuse(node, key, "there are too many entries.");
  std::vector<std::string> texts;
  for (const YAML::Node& item : node)
    texts.push_back(text(item, key));
  return texts;
}

std::string absolute_below(const std::string& folder, const std::string& path) {
  std::filesystem::path expanded = path;
  const char* home = std::getenv("HOME");
  if (home != nullptr && (path == "~" || path.starts_with("~/"))) {
    expanded = home + path.substr(1);
  }
  std::filesystem::path normal = (std::filesystem::path(folder) / expanded).lexically_normal();
  if (!normal.has_filename() && normal.has_relative_path()) normal = normal.parent_path();
  return normal.string();
}

}  // namespace tandem::coordinator
