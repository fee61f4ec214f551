// Messages between coordinator and worker: the first byte chooses direction and kind.
#include <cstdlib>

#include "protocol/codec.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

template <class Decode>
void check(std::string_view body, std::uint16_t kind, const Decode& decode) {
  try {
    const auto message = decode(body, kind);
    if (tandem::encode(message).size() > body.size()) std::abort();
  } catch (const tandem::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body = tandem::fuzz::text_of(data + 1, size - 1);
  const std::uint16_t kind = data[0] & 0x7FU;
  if ((data[0] & 0x80U) == 0) {
    check(body, kind, tandem::decode_to_worker);
  } else {
    check(body, kind, tandem::decode_from_worker);
  }
  return 0;
}
