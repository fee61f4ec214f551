// Pixels of a PNG by libspng alone: what encode_png is checked against.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <spng.h>
#include <stdexcept>
#include <vector>

namespace tandem::client {

struct Pixels {
  std::uint32_t width = 0, height = 0;
  std::vector<std::uint8_t> rgb;
};

inline Pixels decode_rgb(std::span<const std::byte> file) {
  const std::unique_ptr<spng_ctx, decltype(&spng_ctx_free)> context(spng_ctx_new(0),
                                                                    &spng_ctx_free);
  spng_ihdr header{};
  std::size_t size = 0;
  if (spng_set_png_buffer(context.get(), file.data(), file.size()) != 0 ||
      spng_get_ihdr(context.get(), &header) != 0 ||
      spng_decoded_image_size(context.get(), SPNG_FMT_RGB8, &size) != 0) {
    throw std::runtime_error("not a PNG");
  }
  Pixels pixels{header.width, header.height, std::vector<std::uint8_t>(size)};
  if (spng_decode_image(context.get(), pixels.rgb.data(), size, SPNG_FMT_RGB8, 0) != 0) {
    throw std::runtime_error("no pixels");
  }
  return pixels;
}

}  // namespace tandem::client
