// A YAML file that somebody wrote by hand: read whole, and every complaint says where in it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <yaml-cpp/yaml.h>

namespace tandem::coordinator {

class YamlFile {
 public:
  static constexpr std::size_t kMostBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMostEntries = 1000;  // of one list or mapping

  // Throws kMissingFile for a file that cannot be read; kBadRequest for one that is no YAML, or is
  // larger than kMostBytes.
  explicit YamlFile(std::string path);

  const std::string& path() const { return path_; }
  // The folder that relative paths in it begin at.
  std::string folder() const;
  const YAML::Node& root() const { return root_; }

  // Throws kBadRequest: "FILE:LINE: KEY: MESSAGE".
  [[noreturn]] void refuse(const YAML::Node& at, std::string_view key,
                           const std::string& message) const;

  // Calls it for each entry of a mapping; throws where there is no mapping, where it is too large,
  // and for a key that is no text or comes twice. Nothing for a node that is null.
  using EntryReader = std::function<void(const std::string& key, const YAML::Node& key_node,
                                         const YAML::Node& value)>;
  void read_entries(const YAML::Node& node, std::string_view key, const EntryReader& read) const;

  // A text, or a list of texts; throws for anything else.
  std::string text(const YAML::Node& node, std::string_view key) const;
  std::vector<std::string> texts(const YAML::Node& node, std::string_view key) const;

 private:
  std::string path_;
  YAML::Node root_;
};

// `path` as an absolute one without "..": "~" is the user's home, others begin at `folder`.
std::string absolute_below(const std::string& folder, const std::string& path);

}  // namespace tandem::coordinator
