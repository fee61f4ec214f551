// The CUDA back end's tandem::group_norm.
#include "device_worker/cuda/kernels/group_norm.hpp"

#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "device_worker/cuda/half_tensor.hpp"
#include "models/layers/group_norm.hpp"

namespace tandem::worker {
namespace {

bool takes(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight,
           const at::Tensor& bias) {
  return x.dim() == 4 && x.numel() > 0 && is_half(x.scalar_type()) &&
         x.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         weight.scalar_type() == x.scalar_type() && bias.scalar_type() == x.scalar_type() &&
         weight.is_contiguous() && bias.is_contiguous() &&
         x.size(2) * x.size(3) <= std::int64_t{1} << 30 &&
         takes_group_norm(static_cast<int>(x.size(1)), static_cast<int>(groups));
}

at::Tensor group_norm(const at::Tensor& x, std::int64_t groups, const at::Tensor& weight,
                      const at::Tensor& bias, double eps, bool silu) {
  if (!takes(x, groups, weight, bias))
    return models::plain_group_norm(x, groups, weight, bias, eps, silu);
  at::Tensor y = at::empty_like(x, x.options(), at::MemoryFormat::ChannelsLast);
  GroupNormCall call;
  call.type = half_type_of(x);
  call.x = x.const_data_ptr();
  call.y = y.mutable_data_ptr();
  call.weight = weight.const_data_ptr();
  call.bias = bias.const_data_ptr();
  call.items = static_cast<int>(x.size(0));
  call.pixels = static_cast<int>(x.size(2) * x.size(3));
  call.channels = static_cast<int>(x.size(1));
  call.groups = static_cast<int>(groups);
  call.eps = static_cast<float>(eps);
  call.silu = silu;
  const at::Tensor moments = at::empty({group_norm_moments(call)}, x.options().dtype(at::kFloat));
  call.moments = moments.mutable_data_ptr<float>();
  C10_CUDA_CHECK(launch_group_norm(call, c10::cuda::getCurrentCUDAStream(x.device().index())));
  return y;
}

}  // namespace
}  // namespace tandem::worker

TORCH_LIBRARY_IMPL(tandem, CUDA, library) {
  library.impl("group_norm", TORCH_FN(tandem::worker::group_norm));
}
