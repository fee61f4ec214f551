// The header of a safetensors file; the input is the whole file.
#include <cstdlib>

#include "protocol/error.hpp"
#include "protocol/safetensors.hpp"
#include "tests/fuzz/fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = tandem::fuzz::bytes_of(data, size);
  try {
    const std::uint64_t head = tandem::safetensors_head_bytes(file, size, "fuzz");
    if (head > size) std::abort();
    const auto header = tandem::parse_safetensors_header(file.first(head), size, "fuzz");
    for (const auto& [name, entry] : header.tensors) {
      if (entry.begin > entry.end || header.data_offset + entry.end > size) std::abort();
    }
  } catch (const tandem::Error&) {
  }
  return 0;
}
