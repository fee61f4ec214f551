// What travels through GPU memory between the coordinator and one worker process.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "coordinator/workers/gpu_slabs.hpp"
#include "ipc/transport/cuda_ipc/slab_link.hpp"
#include "protocol/worker_message.hpp"

namespace tandem::coordinator {

class SlabChannel {
 public:
  // Throws what ipc::SlabLink throws. Ends after the worker's process.
  explicit SlabChannel(std::shared_ptr<GpuSlab> gpu);
  SlabChannel(const SlabChannel&) = delete;
  SlabChannel& operator=(const SlabChannel&) = delete;
  ~SlabChannel();

  const SlabOffer& offer() const { return link_.offer(); }
  // Once, with the worker's answer: throws kInternal with why nothing may travel here.
  void check(const SlabAttached& answer);
  bool is_checked() const { return checked_; }
  // Why nothing travels here any more; empty while something may.
  const std::string& reason() const { return gpu_->reason(); }

  // The twin of a segment that the worker is about to be told of, if there is one.
  std::optional<std::uint64_t> twin(const ArenaSegment& segment, bool writable);

  // Queues what the twins of a unit's inputs lack, to be said to the worker with the unit; nothing
  // where it has no tensor to travel here, or CUDA fails. The blocks stay until its answer.
  std::optional<SlabTurn> publish(const std::vector<std::shared_ptr<ArenaBlock>>& inputs,
                                  const ArenaBlock* output);
  // Copies a result from its twin to its block. Throws kInternal where CUDA fails; then nothing
  // travels here any more.
  void collect(const SlabTurn& turn, const ArenaBlock& output);

 private:
  struct Twin {
    ipc::Slot slot;
    ipc::CudaObject pinned;
  };

  void upload(const ArenaBlock& block);

  std::shared_ptr<GpuSlab> gpu_;
  ipc::SlabLink link_;
  bool checked_ = false;
  std::map<SegmentId, Twin> results_;
  std::uint32_t next_turn_ = 0;
};

}  // namespace tandem::coordinator
