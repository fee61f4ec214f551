// The CUDA back end's tandem::geglu.
#include "device_worker/cuda/kernels/geglu.hpp"

#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "device_worker/cuda/half_tensor.hpp"
#include "models/layers/geglu.hpp"

namespace tandem::worker {
namespace {

bool takes(const at::Tensor& projected) {
  return projected.dim() > 0 && projected.numel() > 0 && is_half(projected.scalar_type()) &&
         projected.is_contiguous() && projected.size(-1) % (2 * kGegluVector) == 0 &&
         projected.numel() <= std::int64_t{1} << 36;  // as many blocks as a grid may have
}

at::Tensor geglu(const at::Tensor& projected) {
  if (!takes(projected)) return models::plain_geglu(projected);
  std::vector<std::int64_t> shape = projected.sizes().vec();
  shape.back() /= 2;
  at::Tensor gated = at::empty(shape, projected.options());
  GegluCall call;
  call.type = half_type_of(projected);
  call.projected = projected.const_data_ptr();
  call.gated = gated.mutable_data_ptr();
  call.width = static_cast<int>(shape.back());
  call.rows = gated.numel() / shape.back();
  C10_CUDA_CHECK(launch_geglu(call, c10::cuda::getCurrentCUDAStream(projected.device().index())));
  return gated;
}

}  // namespace
}  // namespace tandem::worker

TORCH_LIBRARY_IMPL(tandem, CUDA, library) {
  library.impl("geglu", TORCH_FN(tandem::worker::geglu));
}
