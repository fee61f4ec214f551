#include "coordinator/conditioning/masks.hpp"

#include <algorithm>

#include <ATen/ATen.h>

#include "coordinator/sampling/shapes.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kSmallestSide = 8;

struct Span {
  std::int64_t first;
  std::int64_t length;
};

// Of the true values of a 1-d tensor that has some.
Span span_of(const at::Tensor& used) {
  const at::Tensor indices = at::nonzero(used);
  const auto first = indices.min().item<std::int64_t>();
  const auto last = indices.max().item<std::int64_t>();
  return {first, std::max(kSmallestSide, last - first + 1)};
}

}  // namespace

at::Tensor as_mask(const at::Tensor& mask, const char* path) {
  const bool fits = mask.numel() > 0 &&
                    (mask.dim() == 2 || mask.dim() == 3 || (mask.dim() == 4 && mask.size(1) == 1));
  if (!fits) {
    throw Error(
        ErrorCode::kBadShape,
        "A mask is (height, width), (rows, height, width) or (rows, 1, height, width), not " +
            shape_text(mask.sizes()) + ".",
        "", path);
  }
  return mask.to(at::kCPU, at::kFloat).reshape({-1, 1, mask.size(-2), mask.size(-1)});
}

at::Tensor resize_mask(const at::Tensor& mask, at::IntArrayRef latent_shape) {
  const at::IntArrayRef size = latent_shape.slice(2);
  return mask.sizes().slice(2) == size ? mask : at::upsample_bilinear2d(mask, size, false);
}

LatentArea bounds_of(const at::Tensor& mask) {
  const at::Tensor used = (mask != 0).any(0)[0];
  if (!used.any().item<bool>()) return {kSmallestSide, kSmallestSide, 0, 0};
  const Span rows = span_of(used.any(1));
  const Span columns = span_of(used.any(0));
  return {rows.length, columns.length, rows.first, columns.first};
}

}  // namespace tandem::coordinator
