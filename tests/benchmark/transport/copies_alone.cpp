#include "tests/benchmark/transport/copies_alone.hpp"

#include <cstring>

#include "ipc/cuda/load_calls.hpp"

namespace tandem::ipc {

CopiesAlone::CopiesAlone(const std::filesystem::path& folder, int gpu, std::size_t most_bytes)
    : inputs_(SharedSegment::create("copies-inputs", most_bytes)),
      results_(SharedSegment::create("copies-results", most_bytes)),
      device_(load_cuda_calls(folder), gpu),
      stream_(device_.create_stream()),
      pinned_inputs_(
          device_.register_host(inputs_.writable_bytes().data(), most_bytes, /*writable=*/true)),
      pinned_results_(
          device_.register_host(results_.writable_bytes().data(), most_bytes, /*writable=*/true)),
      on_gpu_(device_.allocate(most_bytes)) {}

void CopiesAlone::put(std::span<const std::byte> state) {
  std::memcpy(inputs_.writable_bytes().data(), state.data(), state.size());
}

void CopiesAlone::round_trip(std::size_t bytes) {
  device_.copy(on_gpu_.get(), inputs_.bytes().data(), bytes, CopyKind::kToDevice, stream_.get());
  device_.copy(results_.writable_bytes().data(), on_gpu_.get(), bytes, CopyKind::kToHost,
               stream_.get());
  device_.synchronize_stream(stream_.get());
}

}  // namespace tandem::ipc
