// What a round trip through pinned memory costs without another process: the copies alone.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "ipc/cuda/device.hpp"
#include "ipc/memory/shared_segment.hpp"

namespace tandem::ipc {

class CopiesAlone {
 public:
  // On the GPU of this position. Throws tandem::Error where there is none.
  CopiesAlone(const std::filesystem::path& folder, int gpu, std::size_t most_bytes);

  void put(std::span<const std::byte> state);
  // The first bytes of the state to the GPU and back to where result() reads, until they are there.
  void round_trip(std::size_t bytes);
  std::span<const std::byte> result(std::size_t bytes) const {
    return results_.bytes().first(bytes);
  }

 private:
  SharedSegment inputs_;
  SharedSegment results_;
  CudaDevice device_;
  CudaObject stream_;
  CudaObject pinned_inputs_;
  CudaObject pinned_results_;
  CudaObject on_gpu_;
};

}  // namespace tandem::ipc
