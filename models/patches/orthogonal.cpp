#include "models/patches/orthogonal.hpp"

#include <cstdint>

#include <ATen/ATen.h>

namespace tandem::models {
namespace {

at::Tensor identity(const at::Tensor& blocks) {
  return at::eye(blocks.size(-1), blocks.options());
}

// Orthogonal matrices (I + Q) (I - Q)^-1 of the blocks' skew parts Q.
at::Tensor cayley(const at::Tensor& blocks, double limit) {
  at::Tensor skew = blocks - blocks.transpose(-1, -2);
  if (limit > 0.0) {
    const double length = at::norm(skew).item<double>() + 1e-8;
    if (length > limit) skew = skew * limit / length;
  }
  const at::Tensor unit = identity(blocks);
  return at::matmul(unit + skew, at::linalg_inv(unit - skew));
}

}  // namespace

at::Tensor rotate_blocks(const at::Tensor& weight, const at::Tensor& blocks, double limit,
                         double strength) {
  const at::Tensor turn = cayley(blocks, limit) * strength - strength * identity(blocks);
  const at::Tensor rows = weight.unflatten(0, {blocks.size(0), blocks.size(1)});
  return at::einsum("knm,kn...->km...", {turn, rows}).reshape(weight.sizes());
}

at::Tensor rotate_butterfly(const at::Tensor& weight, const at::Tensor& blocks,
                            const std::optional<at::Tensor>& rescale, double limit,
                            double strength) {
  const at::Tensor turns = cayley(blocks, limit);
  const std::int64_t size = blocks.size(-1);
  at::Tensor turned = weight;
  for (std::int64_t stage = 0; stage < blocks.size(0); ++stage) {
    const std::int64_t half = (std::int64_t{1} << stage) * (size / 2);
    at::Tensor turn = turns[stage];
    if (strength != 1.0) turn = turn * strength + (1.0 - strength) * identity(blocks);
    // Partners of this stage are brought side by side, turned, and brought back.
    turned =
        turned.unflatten(0, {-1, 2, half}).transpose(1, 2).flatten(0, 2).unflatten(0, {-1, size});
    turned = at::einsum("bij,bj...->bi...", {turn, turned});
    turned = turned.flatten(0, 1).unflatten(0, {-1, half, 2}).transpose(1, 2).flatten(0, 2);
  }
  if (rescale) turned = turned * *rescale;
  return turned - weight;
}

}  // namespace tandem::models
