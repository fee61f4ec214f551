// The tensors of a job's result as one sealed safetensors file in memory.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/dispatch/memory_file.hpp"

namespace tandem::coordinator {

using NamedTensor = std::pair<std::string, at::Tensor>;

// The bytes of a contiguous CPU tensor, for as long as it lives.
std::span<const std::byte> bytes_of(const at::Tensor& tensor);

// CPU tensors; names must differ. Throws kResourceExhausted.
ResultFile make_result_file(const std::vector<NamedTensor>& tensors);

}  // namespace tandem::coordinator
