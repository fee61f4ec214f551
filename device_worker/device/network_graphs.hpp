// Networks whose kernels are recorded once for each shape of their inputs, then replayed: one
// launch instead of a thousand.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "device_worker/device/gpu_backend.hpp"
#include "models/network.hpp"

namespace tandem::worker {

// The graphs of all models of one device, within one budget of bytes: past it, those that were not
// used for the longest time go. Must outlive the networks that it made.
//
// The first call of a network with inputs of certain shapes (and certain numbers of the motion)
// runs as it is, so that the libraries choose their algorithms; the second is recorded. Everything
// else that changes between calls is an input and copied into the graph's own tensors, so a graph
// gives the bits of the kernels it was made of. What cannot be recorded, or alone is larger than
// the budget, goes on running as it is.
class NetworkGraphs {
 public:
  NetworkGraphs(GpuBackend& backend, std::uint64_t budget) : backend_(backend), budget_(budget) {}

  models::Network wrap(models::Network network);
  // Drops all graphs and what they hold; they are recorded again when they are next needed.
  void clear();

  std::uint64_t bytes() const { return bytes_; }

 private:
  using Shapes = std::vector<std::vector<std::int64_t>>;

  struct Entry {
    std::uint64_t network_id = 0;
    Shapes shapes;
    int calls = 0;
    bool is_refused = false;  // it could not be recorded
    std::uint64_t bytes = 0;
    models::NetworkInputs inputs;
    at::Tensor output;
    std::unique_ptr<GpuGraph> graph;
  };
  class Wrapped;
  using Entries = std::list<Entry>;  // last used first

  at::Tensor run(std::uint64_t network_id, const models::Network& network,
                 const models::NetworkInputs& inputs);
  Entries::iterator use(std::uint64_t network_id, const models::NetworkInputs& inputs);
  void record(Entry& entry, const models::Network& network, const models::NetworkInputs& inputs);
  void keep_budget();
  void release(Entry& entry);
  void forget(std::uint64_t network_id);

  GpuBackend& backend_;
  std::uint64_t budget_;
  Entries entries_;
  std::uint64_t bytes_ = 0;
  std::uint64_t next_network_ = 1;
};

}  // namespace tandem::worker
