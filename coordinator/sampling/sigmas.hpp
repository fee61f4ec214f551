// The noise levels of a sampling, largest first.
#pragma once

#include <cstddef>
#include <vector>

#include <ATen/core/Tensor.h>

namespace tandem::coordinator {

// float32, and so is all arithmetic on them: k-diffusion computes with 0-dim float32 tensors, and a
// double would give other bits. n steps have n + 1 sigmas; empty: nothing to sample.
using Sigmas = std::vector<float>;

constexpr std::size_t kMaxSigmas = 1'000'001;

// (n) float32 on the CPU.
at::Tensor to_tensor(const Sigmas& sigmas);

// The reverse, from a 1-d tensor of any real type. Throws Error(kBadShape) for other shapes or more
// than kMaxSigmas values, Error(kOutOfRange) for a value that is negative or not finite; path names
// the tensor in the message.
Sigmas to_sigmas(const at::Tensor& tensor, const char* path);

}  // namespace tandem::coordinator
