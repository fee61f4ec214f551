#include "tools/image/png_pixels.hpp"

#include <cstring>
#include <string>
#include <zlib.h>

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/tools/png_chunks.hpp"
#include "tools/image/png.hpp"

namespace tandem::client {
namespace {

enum ColourType : char { kGrey = 0, kRgb = 2, kPalette = 3, kGreyAlpha = 4, kRgba = 6 };

// A PNG of one row: every byte of `row` as the format has it, chunks of `more` before the pixels.
std::vector<std::byte> one_row(std::uint32_t width, int depth, ColourType type,
                               const std::string& row, const std::string& more = {}) {
  const std::string filtered = std::string(1, '\0') + row;
  uLongf size = compressBound(filtered.size());
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(filtered.data()), filtered.size());
  packed.resize(size);
  const std::string header =
      be32(width) + be32(1) + std::string{static_cast<char>(depth), type, 0, 0, 0};
  const std::string file = "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + more +
                           chunk("IDAT", packed) + chunk("IEND", "");
  const auto* bytes = reinterpret_cast<const std::byte*>(file.data());
  return {bytes, bytes + file.size()};
}

PngPixels read(const std::vector<std::byte>& file) {
  return read_png_pixels(file, "x.png");
}

void expect_pixels(const PngPixels& pixels, const std::vector<float>& expected) {
  EXPECT_EQ(pixels.height, 1U);
  EXPECT_EQ(pixels.width * 3, expected.size());
  ASSERT_EQ(pixels.rgb.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_FLOAT_EQ(pixels.rgb[i], expected[i]) << i;
}

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values)
    text += static_cast<char>(value);
  return text;
}

TEST(PngPixels, EightBitsAreParts255) {
  const PngPixels pixels = read(one_row(2, 8, kRgb, bytes({0, 1, 255, 128, 127, 3})));
  expect_pixels(pixels, {0, 1 / 255.F, 1, 128 / 255.F, 127 / 255.F, 3 / 255.F});
  EXPECT_FALSE(pixels.had_alpha);
}

TEST(PngPixels, WhatEncodePngWritesComesBack) {
  std::vector<std::uint8_t> given(7 * 5 * 3);
  for (std::size_t i = 0; i < given.size(); ++i)
    given[i] = static_cast<std::uint8_t>(i * 11);
  const PngPixels pixels = read(encode_png({7, 5, given}, {}));
  EXPECT_EQ(pixels.width, 7U);
  EXPECT_EQ(pixels.height, 5U);
  for (std::size_t i = 0; i < given.size(); ++i)
    EXPECT_FLOAT_EQ(pixels.rgb[i], static_cast<float>(given[i]) / 255.F);
}

TEST(PngPixels, SixteenBitsKeepAllOfThem) {
  const PngPixels pixels = read(one_row(1, 16, kRgb, bytes({0x12, 0x34, 0xff, 0xff, 0, 1})));
  expect_pixels(pixels, {0x1234 / 65535.F, 1, 1 / 65535.F});
}

TEST(PngPixels, GreyIsRepeatedWhateverItsDepth) {
  expect_pixels(read(one_row(2, 8, kGrey, bytes({51, 255}))), {0.2F, 0.2F, 0.2F, 1, 1, 1});
  expect_pixels(read(one_row(1, 16, kGrey, bytes({0x80, 0}))),
                {0x8000 / 65535.F, 0x8000 / 65535.F, 0x8000 / 65535.F});
  expect_pixels(read(one_row(2, 1, kGrey, bytes({0x40}))), {0, 0, 0, 1, 1, 1});
  expect_pixels(read(one_row(2, 4, kGrey, bytes({0x3f}))), {0.2F, 0.2F, 0.2F, 1, 1, 1});
}

TEST(PngPixels, PalettesBecomeColours) {
  const std::string palette = chunk("PLTE", bytes({255, 0, 0, 0, 51, 255}));
  expect_pixels(read(one_row(2, 8, kPalette, bytes({1, 0}), palette)), {0, 0.2F, 1, 1, 0, 0});
}

TEST(PngPixels, TransparencyIsLeftOutAndTold) {
  const PngPixels rgba = read(one_row(1, 8, kRgba, bytes({255, 51, 0, 0})));
  expect_pixels(rgba, {1, 0.2F, 0});
  EXPECT_TRUE(rgba.had_alpha);
  const PngPixels grey = read(one_row(1, 8, kGreyAlpha, bytes({51, 7})));
  expect_pixels(grey, {0.2F, 0.2F, 0.2F});
  EXPECT_TRUE(grey.had_alpha);
  const std::string key = chunk("tRNS", bytes({0, 255, 0, 0, 0, 0}));
  const PngPixels keyed = read(one_row(1, 8, kRgb, bytes({255, 0, 0}), key));
  expect_pixels(keyed, {1, 0, 0});
  EXPECT_TRUE(keyed.had_alpha);
}

TEST(PngPixels, TooManyPixelsAreRefusedBeforeTheyAreUnpacked) {
  std::string header = be32(16384) + be32(16384) + std::string{8, kRgb, 0, 0, 0};
  const std::string file = "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", "x");
  try {
    read_png_pixels(std::as_bytes(std::span(file)), "x.png");
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfRange);
  }
}

TEST(PngPixels, EveryTruncationIsRefused) {
  const std::vector<std::byte> file = one_row(2, 8, kRgb, bytes({0, 1, 255, 128, 127, 3}));
  // Without IEND (12 bytes) and IDAT's checksum (4) the pixels are there.
  for (std::size_t size = 0; size < file.size() - 16; ++size) {
    try {
      read({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)});
      ADD_FAILURE() << size << " bytes were read";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadRequest) << size;
    }
  }
}

}  // namespace
}  // namespace tandem::client
