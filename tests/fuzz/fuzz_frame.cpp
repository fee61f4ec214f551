// The 16 bytes in front of a frame, host's and worker's.
#include <algorithm>
#include <cstdlib>

#include "protocol/error.hpp"
#include "protocol/frame.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

template <class Parse>
void check(std::span<const std::byte, tandem::kFrameHeaderBytes> bytes, const Parse& parse) {
  try {
    const auto written = tandem::to_bytes(parse(bytes));
    if (!std::equal(bytes.begin(), bytes.end(), written.begin())) std::abort();
  } catch (const tandem::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < tandem::kFrameHeaderBytes) return 0;
  const auto bytes = tandem::fuzz::bytes_of(data, size).first<tandem::kFrameHeaderBytes>();
  check(bytes, tandem::parse_host_frame_header);
  check(bytes, tandem::parse_worker_frame_header);
  return 0;
}
