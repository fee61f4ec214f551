// Bytes that one process writes and the other looks for, before a slab is believed in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "protocol/slab_offer.hpp"

namespace tandem::ipc {

using CheckBytes = std::array<std::byte, kSlabCheckBytes>;

// Other bytes for each seed.
CheckBytes check_bytes(std::uint64_t seed);
// What the worker answers with: the seed of the bytes that it leaves.
constexpr std::uint64_t answer_seed(std::uint64_t seed) {
  return ~seed;
}

}  // namespace tandem::ipc
