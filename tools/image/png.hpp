// PNG files with text chunks: written by Tandem, and read back to find the job that made them.
// Format: Portable Network Graphics (PNG) Specification, W3C; done by libspng.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem::client {

inline constexpr std::uint32_t kMaxPngSide = 16384;  // pixels
inline constexpr std::size_t kMaxPngBytes = std::size_t{256} << 20;
inline constexpr std::size_t kMaxPngTextBytes = std::size_t{32} << 20;  // one chunk, unpacked

// A text chunk. Keywords are 1 to 79 printable ASCII characters; the text is UTF-8, not
// empty.
struct PngText {
  std::string keyword;
  std::string text;

  bool operator==(const PngText&) const = default;
};

// A picture to be written: 8-bit RGB, rows from top to bottom, 3 * width * height bytes that the
// caller keeps alive.
struct RgbView {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::span<const std::uint8_t> pixels;
};

// A whole PNG file. ASCII texts become tEXt, others iTXt; those above 4 KiB are compressed. Throws
// kOutOfRange for a side of 0 or above kMaxPngSide, kBadShape where the pixels do not fill it,
// kInternal where libspng fails.
std::vector<std::byte> encode_png(const RgbView& picture, std::span<const PngText> texts);

// Every text chunk of a PNG file, those behind the picture included, in the file's order; Latin-1
// becomes UTF-8. Unpacks one row of pixels at a time. `name` is the file's in messages. Throws
// kBadRequest for what is no PNG or a damaged one, kOutOfRange past the limits above.
std::vector<PngText> read_png_texts(std::span<const std::byte> file, std::string_view name);

// Whether the bytes begin as every PNG does.
bool is_png(std::span<const std::byte> head);

}  // namespace tandem::client
