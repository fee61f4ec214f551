#include "device_worker/cuda/cuda_graph.hpp"

#include <c10/cuda/CUDACachingAllocator.h>

namespace tandem::worker {
namespace {

class CudaGraph : public GpuGraph {
 public:
  // Calls of other threads that a graph cannot hold are none of this one's business.
  void begin() { graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal); }
  void end() { graph_.capture_end(); }
  at::cuda::MempoolId_t pool() { return graph_.pool(); }
  void replay() override { graph_.replay(); }

 private:
  at::cuda::CUDAGraph graph_;
};

// Leaves the capture in any case: what failed within it is told already.
void abandon(CudaGraph& graph, c10::DeviceIndex device) noexcept {
  try {
    graph.end();
    return;
  } catch (const std::exception&) {
    C10_CUDA_CLEAR_ERROR();
  }
  try {
    // capture_end() does not come to it where CUDA refuses the graph.
    c10::cuda::CUDACachingAllocator::endAllocateToPool(device, graph.pool());
  } catch (const std::exception&) {
    C10_CUDA_CLEAR_ERROR();
  }
}

}  // namespace

std::unique_ptr<GpuGraph> capture_cuda_graph(c10::DeviceIndex device,
                                             const std::function<void()>& work) {
  auto graph = std::make_unique<CudaGraph>();
  graph->begin();
  try {
    work();
    graph->end();
  } catch (...) {
    abandon(*graph, device);
    throw;
  }
  return graph;
}

}  // namespace tandem::worker
