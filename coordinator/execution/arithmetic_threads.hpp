// How many threads the coordinator's own arithmetic takes.
#pragma once

#include <ATen/core/Tensor.h>

namespace tandem::coordinator {

// For what the calling thread computes from now on with latents of this size: one, or for a
// video's, whose arithmetic between two units takes as long as one of them, a few. The number is
// the same on every machine, since sums depend on it.
void set_arithmetic_threads(const at::Tensor& latent);

}  // namespace tandem::coordinator
