// GPU memory of the coordinator that tensors of units travel through: one slab a GPU, opened when a
// worker of that GPU first asks for it. Everything here is on the io thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "coordinator/dispatch/tensor_arena.hpp"
#include "ipc/transport/cuda_ipc/slab.hpp"

namespace tandem::coordinator {

inline constexpr std::size_t kSlabBytes = std::size_t{256} << 20;

// One GPU. A segment of shared memory may have a twin in its slab, of the same size: a block lies
// at the same offset in both.
class GpuSlab {
 public:
  // Throws what ipc::Slab throws.
  GpuSlab(ipc::CudaCalls& calls, int position, std::size_t bytes);

  const std::shared_ptr<ipc::Slab>& slab() const { return slab_; }

  // Room for a twin; nothing, which the log says once, where the slab is full.
  std::optional<ipc::Slot> take(const ArenaSegment& segment);
  // Makes copies from and to the segment asynchronous, where the driver allows it.
  ipc::CudaObject pin(const ArenaSegment& segment);

  // The twin of a segment of inputs, which all workers of the GPU share.
  std::optional<std::uint64_t> inputs_twin(const ArenaSegment& segment);
  std::optional<std::uint64_t> inputs_twin(SegmentId segment) const;
  // Whether the twin does not hold this block's bytes yet; then note_uploaded after the copy.
  bool lacks(const ArenaBlock& block) const;
  void note_uploaded(const ArenaBlock& block);

  // CUDA failed in use: nothing travels through this slab any more.
  void give_up(const std::string& reason);
  // Why; empty while it works.
  const std::string& reason() const { return reason_; }

 private:
  using Place = std::pair<SegmentId, std::uint64_t>;
  struct Twin {
    std::optional<ipc::Slot> slot;
    ipc::CudaObject pinned;
  };

  std::string name_;
  std::shared_ptr<ipc::Slab> slab_;
  std::map<SegmentId, Twin> inputs_;
  std::map<Place, Generation> uploaded_;
  bool told_full_ = false;
  std::string reason_;
};

class GpuSlabs {
 public:
  // Finds CUDA; throws tandem::Error where it is not there.
  using Calls = std::function<ipc::CudaCalls&()>;

  explicit GpuSlabs(Calls calls, std::size_t bytes = kSlabBytes)
      : calls_(std::move(calls)), bytes_(bytes) {}

  // The GPU at this position among the visible ones. Throws tandem::Error, each time, where it
  // could not be opened or was given up.
  std::shared_ptr<GpuSlab> open(int position);

 private:
  Calls calls_;
  std::size_t bytes_;
  std::map<int, std::shared_ptr<GpuSlab>> gpus_;
  std::map<int, std::string> refused_;
};

}  // namespace tandem::coordinator
