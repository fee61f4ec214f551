#include "coordinator/sampling/sigmas.hpp"

#include <cmath>
#include <cstring>
#include <string>

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::coordinator {

at::Tensor to_tensor(const Sigmas& sigmas) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(sigmas.size())}, at::kFloat);
  if (!sigmas.empty()) {
    std::memcpy(tensor.mutable_data_ptr<float>(), sigmas.data(), sigmas.size() * sizeof(float));
  }
  return tensor;
}

Sigmas to_sigmas(const at::Tensor& tensor, const char* path) {
  if (tensor.dim() != 1 || tensor.numel() > static_cast<std::int64_t>(kMaxSigmas)) {
    throw Error(ErrorCode::kBadShape,
                "Sigmas are a list of at most " + std::to_string(kMaxSigmas) +
                    " numbers; the tensor has " + std::to_string(tensor.dim()) +
                    " dimensions and " + std::to_string(tensor.numel()) + " elements.",
                "", path);
  }
  const at::Tensor values = tensor.to(at::kCPU, at::kFloat).contiguous();
  const float* const data = values.const_data_ptr<float>();
  Sigmas sigmas(data, data + values.numel());
  for (const float sigma : sigmas) {
    if (std::isfinite(sigma) && sigma >= 0.0F) continue;
    throw Error(ErrorCode::kOutOfRange,
                "A sigma is finite and not negative; found " + std::to_string(sigma) + ".", "",
                path);
  }
  return sigmas;
}

}  // namespace tandem::coordinator
