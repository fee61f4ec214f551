// Which part of a latent (batch, channels, height, width) a unit is about.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace tandem {

// Indices along one dimension, in any order: a context window may skip some or go round the end.
struct LatentWindow {
  std::int32_t dim = 0;
  std::vector<std::int64_t> indices;

  bool operator==(const LatentWindow&) const = default;
};

// Whether each index is the one before and one more.
inline bool is_run(const LatentWindow& window) {
  const auto breaks = [](std::int64_t index, std::int64_t next) { return next != index + 1; };
  return !window.indices.empty() &&
         std::ranges::adjacent_find(window.indices, breaks) == window.indices.end();
}

struct LatentArea {  // in latent cells
  std::int64_t height = 0, width = 0, y = 0, x = 0;

  bool operator==(const LatentArea&) const = default;
};

// The window is taken first; the area counts within it; the item is one of the batch that they
// leave.
struct LatentRegion {
  std::optional<LatentWindow> window;
  std::optional<LatentArea> area;
  std::optional<std::int64_t> item = {};

  bool operator==(const LatentRegion&) const = default;
};

}  // namespace tandem
