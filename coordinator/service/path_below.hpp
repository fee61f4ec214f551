// Whether a path lies in a folder, by its parts alone.
#pragma once

#include <algorithm>
#include <filesystem>

namespace tandem::coordinator {

// Of two normal paths, neither with a separator at its end; the folder itself counts. Looks at no
// file: who needs links resolved, or ".." gone, does that first.
inline bool is_below(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const auto [in_folder, in_path] =
      std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return in_folder == folder.end();
}

}  // namespace tandem::coordinator
