// Where the golden cases are, if they are there.
#pragma once

#include <filesystem>
#include <optional>

namespace tandem::models {

// $TANDEM_GOLDEN_DIR, else tests/golden of the source tree, else shared/golden beside it: the first
// that has the path.
std::optional<std::filesystem::path> find_golden(const std::filesystem::path& relative);

}  // namespace tandem::models
