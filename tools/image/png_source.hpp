// A PNG file that is read by libspng under the limits of png.hpp: what reading texts and reading
// pixels have in common.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <spng.h>
#include <string>
#include <string_view>

namespace tandem::client {

struct FreePngContext {
  void operator()(spng_ctx* context) const { spng_ctx_free(context); }
};
using PngContext = std::unique_ptr<spng_ctx, FreePngContext>;

// Throws kResourceExhausted.
PngContext make_png_context(int flags);

class PngSource {
 public:
  // The caller keeps the file alive. `name` is the file's in messages. Throws kOutOfRange for more
  // than kMaxPngBytes.
  PngSource(std::span<const std::byte> file, std::string_view name);

  spng_ctx* context() const { return context_.get(); }
  const std::string& name() const { return name_; }

  // Throws what a status of libspng means: kOutOfRange past a limit, kBadRequest for what is no PNG
  // or a damaged one.
  void check(int status) const;
  spng_ihdr header() const;

 private:
  std::string name_;
  PngContext context_;
};

}  // namespace tandem::client
