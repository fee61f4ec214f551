// Chunks of a PNG, written by hand.
#pragma once

#include <cstdint>
#include <string>
#include <zlib.h>

namespace tandem::client {

inline std::string be32(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

inline std::string chunk(const std::string& type, const std::string& data) {
  const std::string checked = type + data;
  const auto crc =
      crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
  return be32(static_cast<std::uint32_t>(data.size())) + checked +
         be32(static_cast<std::uint32_t>(crc));
}

}  // namespace tandem::client
