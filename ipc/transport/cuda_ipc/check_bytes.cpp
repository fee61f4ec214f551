#include "ipc/transport/cuda_ipc/check_bytes.hpp"

#include <random>

namespace tandem::ipc {

CheckBytes check_bytes(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  CheckBytes bytes{};
  for (std::byte& byte : bytes)
    byte = static_cast<std::byte>(random() & 0xFFU);
  return bytes;
}

}  // namespace tandem::ipc
