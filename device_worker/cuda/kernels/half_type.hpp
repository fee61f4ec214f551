// The types of 16 bits that kernels take.
#pragma once

#include <cstdint>

namespace tandem::worker {

enum class HalfType : std::uint8_t { kFloat16, kBfloat16 };

}  // namespace tandem::worker
