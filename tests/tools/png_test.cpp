#include "tools/image/png.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <zlib.h>

#include <gtest/gtest.h>

#include "protocol/error.hpp"
#include "tests/tools/png_chunks.hpp"
#include "tests/tools/png_pixels.hpp"

namespace tandem::client {
namespace {

using Bytes = std::vector<std::byte>;

std::vector<std::uint8_t> gradient(std::size_t size) {
  std::vector<std::uint8_t> pixels(size);
  for (std::size_t i = 0; i < size; ++i)
    pixels[i] = static_cast<std::uint8_t>(i * 7 + i / 50);
  return pixels;
}

Bytes small_png(const std::vector<PngText>& texts) {
  return encode_png({8, 4, gradient(8 * 4 * 3)}, texts);
}

// The offset of a chunk's length field.
std::size_t find_chunk(const Bytes& png, const std::string& type) {
  const std::string_view text(reinterpret_cast<const char*>(png.data()), png.size());
  return text.find(type) - 4;
}

Bytes with_chunk(Bytes png, std::size_t at, const std::string& inserted) {
  const auto* begin = reinterpret_cast<const std::byte*>(inserted.data());
  png.insert(png.begin() + static_cast<std::ptrdiff_t>(at), begin, begin + inserted.size());
  return png;
}

ErrorCode code_of(const Bytes& file) {
  try {
    read_png_texts(file, "x.png");
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("x.png"), std::string::npos);
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

TEST(Png, PixelsComeBack) {
  const auto pixels = gradient(31 * 17 * 3);
  const Pixels read = decode_rgb(encode_png({31, 17, pixels}, {}));
  EXPECT_EQ(read.width, 31U);
  EXPECT_EQ(read.height, 17U);
  EXPECT_EQ(read.rgb, pixels);
}

TEST(Png, TextsComeBackWhateverTheirChunk) {
  const std::vector<PngText> texts = {{"plain", "a red circle\nSteps: 20"},
                                      {"utf8", "K\xc3\xa4se \xe7\x8c\xab \xf0\x9f\x90\x88"},
                                      {"long", std::string(20000, 'x')},
                                      {"longutf8", std::string(20000, 'y') + "\xc3\xa4"}};
  const Bytes png = small_png(texts);
  EXPECT_EQ(read_png_texts(png, "x.png"), texts);
  EXPECT_LT(png.size(), 2000U) << "the long ones are compressed";
}

TEST(Png, LatinOneBecomesUtf8) {
  const Bytes png = small_png({});
  const Bytes foreign =
      with_chunk(png, find_chunk(png, "IDAT"), chunk("tEXt", std::string("Author\0J\xf6rg", 11)));
  EXPECT_EQ(read_png_texts(foreign, "x.png"), (std::vector<PngText>{{"Author", "J\xc3\xb6rg"}}));
}

TEST(Png, TextsBehindThePictureAreFound) {
  const Bytes png = small_png({{"first", "1"}});
  const Bytes other =
      with_chunk(png, find_chunk(png, "IEND"), chunk("tEXt", std::string("last\0two", 8)));
  EXPECT_EQ(read_png_texts(other, "x.png"),
            (std::vector<PngText>{{"first", "1"}, {"last", "two"}}));
}

TEST(Png, EveryTruncationIsRefused) {
  const Bytes png = small_png({{"tandem", "{\"version\": 1}"}});
  for (std::size_t size = 0; size < png.size() - 12; ++size) {
    EXPECT_EQ(code_of(Bytes(png.begin(), png.begin() + static_cast<std::ptrdiff_t>(size))),
              ErrorCode::kBadRequest)
        << size << " bytes";
  }
}

// Each byte changed: never a crash, and never another text than the one written.
TEST(Png, ADamagedByteGivesNoOtherText) {
  const std::vector<PngText> texts = {{"tandem", "{\"version\": 1}"}};
  const Bytes png = small_png(texts);
  for (std::size_t i = 0; i < png.size(); ++i) {
    Bytes damaged = png;
    damaged[i] ^= std::byte{0x10};
    try {
      const std::vector<PngText> read = read_png_texts(damaged, "x.png");
      EXPECT_TRUE(read.empty() || read == texts) << "byte " << i;
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::kBadRequest || error.code() == ErrorCode::kOutOfRange);
    }
  }
}

TEST(Png, TooManyPixelsAreRefusedBeforeTheyAreUnpacked) {
  const Bytes png = small_png({});
  std::string header = be32(kMaxPngSide + 1) + be32(1) + std::string("\x08\x02\0\0\0", 5);
  const std::string replaced = chunk("IHDR", header);
  Bytes large = png;
  std::memcpy(large.data() + 8, replaced.data(), replaced.size());
  EXPECT_EQ(code_of(large), ErrorCode::kOutOfRange);
}

TEST(Png, ATextThatUnpacksToTooMuchIsRefused) {
  const std::string zeros(kMaxPngTextBytes + 1024, 'a');
  uLongf packed_size = compressBound(zeros.size());
  std::string packed(packed_size, '\0');
  ASSERT_EQ(compress2(reinterpret_cast<Bytef*>(packed.data()), &packed_size,
                      reinterpret_cast<const Bytef*>(zeros.data()), zeros.size(), 9),
            Z_OK);
  packed.resize(packed_size);
  const Bytes png = small_png({});
  const Bytes bomb = with_chunk(png, find_chunk(png, "IDAT"),
                                chunk("zTXt", std::string("tandem\0\0", 8) + packed));
  try {
    EXPECT_TRUE(read_png_texts(bomb, "x.png").empty());
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutOfRange);
  }
}

TEST(Png, ManyChunksAreRefused) {
  const Bytes png = small_png({});
  std::string many;
  for (int i = 0; i < 5000; ++i)
    many += chunk("tEXt", std::string("k\0v", 3));
  EXPECT_EQ(code_of(with_chunk(png, find_chunk(png, "IDAT"), many)), ErrorCode::kOutOfRange);
}

TEST(Png, WhatIsNoPictureIsRefused) {
  EXPECT_EQ(code_of({}), ErrorCode::kBadRequest);
  EXPECT_EQ(code_of(Bytes(1000, std::byte{0x55})), ErrorCode::kBadRequest);
  EXPECT_FALSE(is_png(Bytes(3, std::byte{0x89})));
  EXPECT_TRUE(is_png(small_png({})));
}

TEST(Png, KeywordsAndTextsAreCheckedBeforeWriting) {
  EXPECT_THROW(small_png({{"", "x"}}), Error);
  EXPECT_THROW(small_png({{std::string(80, 'k'), "x"}}), Error);
  EXPECT_THROW(small_png({{"k", ""}}), Error);
}

TEST(Png, SizesAreCheckedBeforeWriting) {
  EXPECT_THROW(encode_png({0, 4, {}}, {}), Error);
  EXPECT_THROW(encode_png({kMaxPngSide + 1, 1, {}}, {}), Error);
  EXPECT_THROW(encode_png({8, 4, gradient(8 * 4 * 3 - 1)}, {}), Error);
}

}  // namespace
}  // namespace tandem::client
