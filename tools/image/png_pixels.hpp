// The pixels of a PNG, as ComfyUI's LoadImage gives them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace tandem::client {

inline constexpr std::size_t kMaxPngPixels = std::size_t{64} << 20;

struct PngPixels {
  std::uint32_t width = 0, height = 0;
  std::vector<float> rgb;  // 0 to 1, rows from top to bottom, 3 * width * height
  bool had_alpha = false;  // the file has transparency, which is left out
};

// Any colour type and depth, interlaced or not: grey is repeated, palettes become colours, 16 bits
// keep all of theirs, and transparent pixels keep the colour that stands under them. `name` is the
// file's in messages. Throws kBadRequest for what is no PNG or a damaged one, kOutOfRange past the
// limits of png.hpp and kMaxPngPixels.
PngPixels read_png_pixels(std::span<const std::byte> file, std::string_view name);

}  // namespace tandem::client
