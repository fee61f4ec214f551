// Weights turned by orthogonal matrices, of which files keep what their Cayley transform needs.
#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

namespace tandem::models {

// The change of a weight (out, ...) whose outputs are turned block by block. blocks: (n, size,
// size), n * size being out; limit: the largest norm of their skew part, 0: none. Scaled by
// strength inside, as ComfyUI's OFTAdapter does before it scales the change once more.
at::Tensor rotate_blocks(const at::Tensor& weight, const at::Tensor& blocks, double limit,
                         double strength);

// The same by a butterfly of blocks (stages, n, size, size), each stage blended with the identity
// by strength, and a scale of the outputs where the file has one: ComfyUI's BOFTAdapter.
at::Tensor rotate_butterfly(const at::Tensor& weight, const at::Tensor& blocks,
                            const std::optional<at::Tensor>& rescale, double limit,
                            double strength);

}  // namespace tandem::models
