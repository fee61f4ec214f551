// The jobs of the golden cases, as texts.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

namespace tandem::test {

// TANDEM_GOLDEN_DIR, else the selection in the source tree, else the whole tree beside it.
inline std::filesystem::path golden_folder() {
  if (const char* folder = std::getenv("TANDEM_GOLDEN_DIR")) return folder;
  const char* source = std::getenv("TANDEM_SOURCE_DIR");
  const std::filesystem::path root = source == nullptr ? "." : source;
  if (std::filesystem::exists(root / "tests/golden/cases")) return root / "tests/golden";
  return root / "../shared/golden";
}

// "group/name" to the text of its case.json; empty where there are no golden cases.
inline const std::map<std::string, std::string>& golden_jobs() {
  static const std::map<std::string, std::string> jobs = [] {
    std::map<std::string, std::string> found;
    const std::filesystem::path cases = golden_folder() / "cases";
    if (!std::filesystem::exists(cases)) return found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(cases)) {
      if (entry.path().filename() != "case.json") continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string text((std::istreambuf_iterator<char>(file)), {});
      found[std::filesystem::relative(entry.path().parent_path(), cases).string()] = text;
    }
    return found;
  }();
  return jobs;
}

}  // namespace tandem::test
