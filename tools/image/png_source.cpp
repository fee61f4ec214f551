#include "tools/image/png_source.hpp"

#include "protocol/error.hpp"
#include "tools/image/png.hpp"

namespace tandem::client {

PngContext make_png_context(int flags) {
  PngContext context(spng_ctx_new(flags));
  if (context == nullptr) throw Error(ErrorCode::kResourceExhausted, "no memory for a PNG context");
  return context;
}

PngSource::PngSource(std::span<const std::byte> file, std::string_view name)
    : name_(name), context_(make_png_context(0)) {
  if (file.size() > kMaxPngBytes) {
    throw Error(ErrorCode::kOutOfRange,
                name_ + " has " + std::to_string(file.size()) + " bytes; a picture may have " +
                    std::to_string(kMaxPngBytes),
                {}, name_);
  }
  check(spng_set_crc_action(context_.get(), SPNG_CRC_ERROR, SPNG_CRC_ERROR));
  check(spng_set_image_limits(context_.get(), kMaxPngSide, kMaxPngSide));
  // libspng itself stops at 1000 chunks; 0.7.3 refuses to be told another number.
  check(spng_set_chunk_limits(context_.get(), kMaxPngTextBytes, 2 * kMaxPngTextBytes));
  check(spng_set_png_buffer(context_.get(), file.data(), file.size()));
}

void PngSource::check(int status) const {
  if (status == SPNG_OK) return;
  const bool is_limit =
      status == SPNG_EUSER_WIDTH || status == SPNG_EUSER_HEIGHT || status == SPNG_ECHUNK_LIMITS;
  throw Error(is_limit ? ErrorCode::kOutOfRange : ErrorCode::kBadRequest,
              name_ + " can't be read as a PNG: " + spng_strerror(status), {}, name_);
}

spng_ihdr PngSource::header() const {
  spng_ihdr header{};
  check(spng_get_ihdr(context_.get(), &header));
  return header;
}

}  // namespace tandem::client
