#include "tests/models/support/golden_tree.hpp"

#include <cstdlib>
#include <vector>

namespace tandem::models {

std::optional<std::filesystem::path> find_golden(const std::filesystem::path& relative) {
  std::vector<std::filesystem::path> roots;
  if (const char* given = std::getenv("TANDEM_GOLDEN_DIR")) roots.emplace_back(given);
  if (const char* source = std::getenv("TANDEM_SOURCE_DIR")) {
    roots.push_back(std::filesystem::path(source) / "tests" / "golden");
    roots.push_back(std::filesystem::path(source) / ".." / "shared" / "golden");
  }
  for (const auto& root : roots) {
    if (std::filesystem::exists(root / relative)) return root / relative;
  }
  return std::nullopt;
}

}  // namespace tandem::models
