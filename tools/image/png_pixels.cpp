#include "tools/image/png_pixels.hpp"

#include <limits>
#include <string>

#include "protocol/error.hpp"
#include "tools/image/png_source.hpp"

namespace tandem::client {
namespace {

constexpr std::size_t kChannels = 4;
constexpr float kWhite = std::numeric_limits<std::uint16_t>::max();

void check_pixels(const PngSource& source, const spng_ihdr& header) {
  if (std::size_t{header.width} * header.height <= kMaxPngPixels) return;
  throw Error(ErrorCode::kOutOfRange,
              source.name() + " has " + std::to_string(header.width) + " x " +
                  std::to_string(header.height) + " pixels; a picture to work on may have " +
                  std::to_string(kMaxPngPixels) + " in all",
              {}, source.name());
}

bool has_alpha(const PngSource& source, const spng_ihdr& header) {
  const bool by_type = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA ||
                       header.color_type == SPNG_COLOR_TYPE_TRUECOLOR_ALPHA;
  spng_trns colours{};
  return by_type || spng_get_trns(source.context(), &colours) == SPNG_OK;
}

}  // namespace

PngPixels read_png_pixels(std::span<const std::byte> file, std::string_view name) {
  const PngSource source(file, name);
  const spng_ihdr header = source.header();
  check_pixels(source, header);
  PngPixels pixels{header.width, header.height, {}, has_alpha(source, header)};
  // The one format of libspng that every colour type and depth can be had in.
  std::vector<std::uint16_t> rgba(kChannels * header.width * header.height);
  source.check(spng_decode_image(source.context(), rgba.data(), rgba.size() * sizeof(rgba[0]),
                                 SPNG_FMT_RGBA16, 0));
  pixels.rgb.reserve(rgba.size() / kChannels * 3);
  for (std::size_t i = 0; i < rgba.size(); i += kChannels) {
    for (std::size_t channel = 0; channel < 3; ++channel)
      pixels.rgb.push_back(static_cast<float>(rgba[i + channel]) / kWhite);
  }
  return pixels;
}

}  // namespace tandem::client
