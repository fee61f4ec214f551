#include "tools/image/png.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "protocol/error.hpp"
#include "tools/image/png_source.hpp"

namespace tandem::client {
namespace {

constexpr std::size_t kPackedFrom = 4096;

void check_encoder(int status) {
  if (status == SPNG_OK) return;
  throw Error(ErrorCode::kInternal,
              std::string("the PNG could not be encoded: ") + spng_strerror(status));
}

void check_size(const RgbView& picture) {
  const auto is_good = [](std::uint32_t side) { return side > 0 && side <= kMaxPngSide; };
  const std::string found = std::to_string(picture.width) + " x " + std::to_string(picture.height);
  if (!is_good(picture.width) || !is_good(picture.height)) {
    throw Error(ErrorCode::kOutOfRange, "a PNG has 1 to " + std::to_string(kMaxPngSide) +
                                            " pixels a side, this picture is " + found);
  }
  const std::size_t bytes = std::size_t{3} * picture.width * picture.height;
  if (picture.pixels.size() == bytes) return;
  throw Error(ErrorCode::kBadShape, "a picture of " + found + " pixels needs " +
                                        std::to_string(bytes) + " bytes, found " +
                                        std::to_string(picture.pixels.size()));
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0 && c < 0x7f; });
}

// libspng takes texts by mutable pointers, which it only reads.
spng_text to_spng(const PngText& text, std::string& empty) {
  spng_text chunk{};
  if (text.keyword.empty() || text.keyword.size() >= sizeof(chunk.keyword) || text.text.empty()) {
    throw Error(ErrorCode::kInternal, "a PNG keyword has 1 to 79 characters, and its text some");
  }
  std::memcpy(static_cast<void*>(chunk.keyword), text.keyword.data(), text.keyword.size());
  const bool is_packed = text.text.size() > kPackedFrom;
  if (is_ascii(text.text)) {
    chunk.type = is_packed ? SPNG_ZTXT : SPNG_TEXT;
  } else {
    chunk.type = SPNG_ITXT;
    chunk.compression_flag = is_packed ? 1 : 0;
    chunk.language_tag = empty.data();
    chunk.translated_keyword = empty.data();
  }
  chunk.text = const_cast<char*>(text.text.c_str());
  chunk.length = text.text.size();
  return chunk;
}

std::string latin1_to_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      result += c;
    } else {
      result += static_cast<char>(0xc0 | (byte >> 6));
      result += static_cast<char>(0x80 | (byte & 0x3f));
    }
  }
  return result;
}

PngText from_spng(const spng_text& chunk) {
  const char* keyword = static_cast<const char*>(chunk.keyword);
  const std::string_view text(chunk.text, chunk.length);
  return {std::string(keyword, strnlen(keyword, sizeof(chunk.keyword))),
          chunk.type == SPNG_ITXT ? std::string(text) : latin1_to_utf8(text)};
}

class TextReader {
 public:
  TextReader(std::span<const std::byte> file, std::string_view name) : source_(file, name) {}

  std::vector<PngText> read() {
    check(spng_decode_chunks(context()));
    skip_picture();
    check(spng_decode_chunks(context()));
    return texts();
  }

 private:
  spng_ctx* context() const { return source_.context(); }
  void check(int status) const { source_.check(status); }

  // Row by row, so that a small file cannot ask for a gigabyte of pixels.
  void skip_picture() {
    const spng_ihdr header = source_.header();
    std::size_t bytes = 0;
    check(spng_decoded_image_size(context(), SPNG_FMT_PNG, &bytes));
    std::vector<std::byte> row(bytes / header.height);
    check(spng_decode_image(context(), nullptr, 0, SPNG_FMT_PNG, SPNG_DECODE_PROGRESSIVE));
    int status = SPNG_OK;
    while (status == SPNG_OK) {
      status = spng_decode_scanline(context(), row.data(), row.size());
    }
    if (status != SPNG_EOI) check(status);
  }

  std::vector<PngText> texts() const {
    std::uint32_t count = 0;
    const int status = spng_get_text(context(), nullptr, &count);
    if (status == SPNG_ECHUNKAVAIL) return {};
    check(status);
    std::vector<spng_text> chunks(count);
    check(spng_get_text(context(), chunks.data(), &count));
    std::vector<PngText> result;
    result.reserve(count);
    std::transform(chunks.begin(), chunks.end(), std::back_inserter(result), from_spng);
    return result;
  }

  PngSource source_;
};

}  // namespace

std::vector<std::byte> encode_png(const RgbView& picture, std::span<const PngText> texts) {
  check_size(picture);
  const PngContext context = make_png_context(SPNG_CTX_ENCODER);
  check_encoder(spng_set_option(context.get(), SPNG_ENCODE_TO_BUFFER, 1));
  spng_ihdr header{};
  header.width = picture.width;
  header.height = picture.height;
  header.bit_depth = 8;
  header.color_type = SPNG_COLOR_TYPE_TRUECOLOR;
  check_encoder(spng_set_ihdr(context.get(), &header));

  std::string empty;
  std::vector<spng_text> chunks;
  chunks.reserve(texts.size());
  for (const PngText& text : texts)
    chunks.push_back(to_spng(text, empty));
  if (!chunks.empty()) {
    check_encoder(
        spng_set_text(context.get(), chunks.data(), static_cast<std::uint32_t>(chunks.size())));
  }

  check_encoder(spng_encode_image(context.get(), picture.pixels.data(), picture.pixels.size(),
                                  SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE));
  std::size_t size = 0;
  int status = SPNG_OK;
  const std::unique_ptr<void, decltype(&std::free)> file(
      spng_get_png_buffer(context.get(), &size, &status), &std::free);
  check_encoder(status);
  const auto* bytes = static_cast<const std::byte*>(file.get());
  return {bytes, bytes + size};
}

std::vector<PngText> read_png_texts(std::span<const std::byte> file, std::string_view name) {
  return TextReader(file, name).read();
}

bool is_png(std::span<const std::byte> head) {
  constexpr std::array<unsigned char, 8> kSignature = {0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a};
  return head.size() >= kSignature.size() &&
         std::memcmp(head.data(), kSignature.data(), kSignature.size()) == 0;
}

}  // namespace tandem::client
