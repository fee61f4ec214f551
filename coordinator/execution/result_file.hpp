// The tensors of a job's result as one sealed safetensors file in memory.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "ipc/fd.hpp"

namespace tandem::coordinator {

using NamedTensor = std::pair<std::string, at::Tensor>;

struct ResultFile {
  ipc::Fd fd;  // opened read-only
  std::uint64_t bytes = 0;
};

// CPU tensors; names must differ. Throws kResourceExhausted.
ResultFile make_result_file(const std::vector<NamedTensor>& tensors);

}  // namespace tandem::coordinator
