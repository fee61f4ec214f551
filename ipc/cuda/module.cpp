// libtandem_cuda_ipc.so: CUDA's runtime for processes that have no LibTorch with CUDA.
#include "ipc/cuda/runtime_calls.hpp"

extern "C" __attribute__((visibility("default"))) tandem::ipc::CudaCalls* tandem_cuda_calls(
    int version) {
  if (version != tandem::ipc::kCudaCallsVersion) return nullptr;
  return &tandem::ipc::runtime_calls();
}
