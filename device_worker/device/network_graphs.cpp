#include "device_worker/device/network_graphs.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>

#include <ATen/ATen.h>
#include <c10/util/Exception.h>

namespace tandem::worker {
namespace {

// Shapes that are remembered without a graph.
constexpr std::size_t kMaxEntries = 256;

// What the kernels depend on: the shapes of x, timesteps, context and, where there is one, y, and
// the numbers of the motion, which a kernel holds as they were. Types and strides are the model's.
std::vector<std::vector<std::int64_t>> shapes_of(const models::NetworkInputs& inputs) {
  const models::MotionInputs& motion = inputs.motion;
  std::vector<std::vector<std::int64_t>> shapes = {
      inputs.x.sizes().vec(),
      inputs.timesteps.sizes().vec(),
      inputs.context.sizes().vec(),
      {motion.frames, std::bit_cast<std::int64_t>(motion.scale),
       std::bit_cast<std::int64_t>(motion.effect)}};
  if (inputs.y) shapes.push_back(inputs.y->sizes().vec());
  return shapes;
}

models::NetworkInputs copy_of(const models::NetworkInputs& inputs) {
  models::NetworkInputs copy = {inputs.x.clone(), inputs.timesteps.clone(), inputs.context.clone(),
                                std::nullopt, inputs.motion};
  if (inputs.y) copy.y = inputs.y->clone();
  return copy;
}

void copy_into(models::NetworkInputs& target, const models::NetworkInputs& source) {
  target.x.copy_(source.x);
  target.timesteps.copy_(source.timesteps);
  target.context.copy_(source.context);
  if (target.y) target.y->copy_(*source.y);
}

}  // namespace

// What a Network holds: its graphs go with its last copy.
class NetworkGraphs::Wrapped {
 public:
  Wrapped(NetworkGraphs& graphs, models::Network network)
      : graphs_(graphs), network_(std::move(network)), id_(graphs.next_network_++) {}
  Wrapped(const Wrapped&) = delete;
  Wrapped& operator=(const Wrapped&) = delete;
  ~Wrapped() { graphs_.forget(id_); }

  at::Tensor run(const models::NetworkInputs& inputs) const {
    return graphs_.run(id_, network_, inputs);
  }

 private:
  NetworkGraphs& graphs_;
  models::Network network_;
  std::uint64_t id_;
};

models::Network NetworkGraphs::wrap(models::Network network) {
  return [wrapped = std::make_shared<const Wrapped>(*this, std::move(network))](
             const models::NetworkInputs& inputs) { return wrapped->run(inputs); };
}

void NetworkGraphs::clear() {
  entries_.clear();
  bytes_ = 0;
}

at::Tensor NetworkGraphs::run(std::uint64_t network_id, const models::Network& network,
                              const models::NetworkInputs& inputs) {
  const auto entry = use(network_id, inputs);
  if (!entry->graph) {
    if (entry->is_refused || entry->calls++ == 0) return network(inputs);
    record(*entry, network, inputs);
    if (!entry->graph) return network(inputs);
  }
  copy_into(entry->inputs, inputs);
  entry->graph->replay();
  // The graph's own tensor is written again by the next replay.
  return entry->output.clone();
}

NetworkGraphs::Entries::iterator NetworkGraphs::use(std::uint64_t network_id,
                                                    const models::NetworkInputs& inputs) {
  const Shapes shapes = shapes_of(inputs);
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.network_id == network_id && entry.shapes == shapes;
  });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    return entries_.begin();
  }
  if (entries_.size() >= kMaxEntries) {
    release(entries_.back());
    entries_.pop_back();
  }
  entries_.emplace_front();
  entries_.front().network_id = network_id;
  entries_.front().shapes = shapes;
  return entries_.begin();
}

void NetworkGraphs::record(Entry& entry, const models::Network& network,
                           const models::NetworkInputs& inputs) {
  const std::uint64_t before = backend_.memory().reserved;
  try {
    entry.inputs = copy_of(inputs);
    entry.graph = backend_.capture([&] { entry.output = network(entry.inputs); });
  } catch (const c10::OutOfMemoryError&) {
    entry.is_refused = true;
    release(entry);
    throw;
  } catch (const c10::Error& error) {
    entry.is_refused = true;
    release(entry);
    if (backend_.broken()) throw;
    std::fprintf(stderr, "this model runs without a CUDA graph: %s\n",
                 error.what_without_backtrace());
    return;
  }
  const std::uint64_t after = backend_.memory().reserved;
  entry.bytes = after > before ? after - before : 0;
  bytes_ += entry.bytes;
  keep_budget();
}

// The newest graph is the first of the list, and the last that goes.
void NetworkGraphs::keep_budget() {
  for (auto entry = entries_.rbegin(); bytes_ > budget_ && entry != entries_.rend(); ++entry) {
    if (!entry->graph) continue;
    entry->is_refused = entry->bytes > budget_;
    release(*entry);
  }
}

void NetworkGraphs::release(Entry& entry) {
  bytes_ -= entry.bytes;
  entry.bytes = 0;
  entry.graph.reset();
  entry.output.reset();
  entry.inputs = models::NetworkInputs();
}

void NetworkGraphs::forget(std::uint64_t network_id) {
  for (Entry& entry : entries_) {
    if (entry.network_id == network_id) release(entry);
  }
  std::erase_if(entries_, [&](const Entry& entry) { return entry.network_id == network_id; });
}

}  // namespace tandem::worker
