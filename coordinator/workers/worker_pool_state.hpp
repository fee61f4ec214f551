// What the pool keeps of each unit and each worker. Included by its sources alone.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "coordinator/workers/worker_pool.hpp"

namespace tandem::coordinator {

inline TimePoint now() {
  return std::chrono::steady_clock::now();
}

// Simulated workers only wait: they slow nobody down.
inline WorkerSlot dispatch_slot(const WorkerSpec& worker) {
  return {worker.name, worker.kind, worker.place(),
          worker.kind == "sim" ? std::string() : worker.place()};
}

struct WorkerPool::PendingUnit {
  UnitTask task;
  std::shared_ptr<UnitBatch> batch;
  std::size_t index = 0;  // in the batch
  // While a worker computes it. A worker that died keeps its hold until its exit was seen.
  std::shared_ptr<ArenaBlock> output;
  WorkerId worker;  // the last that was given it, and as what
  Generation generation;
  std::optional<SlabTurn> slab;
};

struct WorkerPool::Slot {
  WorkerSpec spec;
  WorkerId worker;
  std::unique_ptr<WorkerProcess> process;
  WorkerEnd last_end;  // of the process before
  WorkerHello hello;
  std::uint64_t units_done = 0;
  double unit_seconds = 0.0;
};

}  // namespace tandem::coordinator
