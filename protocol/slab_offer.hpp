// What a worker needs to read and write GPU memory that the coordinator holds.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tandem {

inline constexpr std::size_t kCudaHandleBytes = 64;  // CUDA_IPC_HANDLE_SIZE
using CudaHandle = std::array<char, kCudaHandleBytes>;

// Units take turns: each turn has an event for its inputs and one for its result.
inline constexpr std::size_t kSlabTurns = 4;

// As a driver made them: bytes that mean something to CUDA alone.
struct SlabOffer {
  CudaHandle memory{};
  std::uint64_t bytes = 0;
  std::array<CudaHandle, kSlabTurns> inputs_ready{};
  std::array<CudaHandle, kSlabTurns> result_ready{};
  std::uint64_t check_offset = 0;  // of kSlabCheckBytes within the slab
  std::uint64_t check_seed = 0;    // of the bytes that lie there

  bool operator==(const SlabOffer&) const = default;
};

inline constexpr std::size_t kSlabCheckBytes = 4096;

}  // namespace tandem
