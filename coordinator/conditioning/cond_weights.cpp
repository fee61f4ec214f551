#include "coordinator/conditioning/cond_weights.hpp"

#include <algorithm>

#include <ATen/ATen.h>

#include "coordinator/conditioning/areas.hpp"
#include "models/tensor/latent_region.hpp"
#include "models/tensor/repeat_to_batch.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kFadeCells = 8;

void fade(const at::Tensor& weight, std::int64_t dim, bool at_start, bool at_end) {
  const std::int64_t cells = std::min(kFadeCells, weight.size(dim) / 4);
  for (std::int64_t t = 0; t < cells; ++t) {
    const double factor = 1.0 / static_cast<double>(cells) * static_cast<double>(t + 1);
    if (at_start) weight.narrow(dim, t, 1).mul_(factor);
    if (at_end) weight.narrow(dim, weight.size(dim) - 1 - t, 1).mul_(factor);
  }
}

at::Tensor area_weight(const LatentArea& area, float strength, at::IntArrayRef shape) {
  at::Tensor weight = at::full({1, 1, area.height, area.width}, strength, at::kFloat);
  fade(weight, 2, area.y > 0, area.y + area.height < shape[2]);
  fade(weight, 3, area.x > 0, area.x + area.width < shape[3]);
  return weight;
}

at::Tensor take_mask_window(const at::Tensor& mask, const LatentWindow& window,
                            std::int64_t items) {
  const bool has_row_per_item = mask.size(0) == items;
  return window.dim == 0 && !has_row_per_item ? mask : models::take_window(mask, window);
}

at::Tensor mask_weight(const ResolvedCond& cond, at::IntArrayRef latent_shape,
                       const LatentRegion& region, std::int64_t batch) {
  at::Tensor mask = cond.mask;
  if (region.window) mask = take_mask_window(mask, *region.window, latent_shape[0]);
  if (region.area) mask = models::narrow_to(mask, *region.area);
  if (mask.size(0) > 1) mask = models::repeat_to_batch(mask, batch);
  return mask * cond.mask_strength * cond.strength;
}

}  // namespace

CondShare share_of(const ResolvedCond& cond, at::IntArrayRef latent_shape,
                   const std::optional<LatentWindow>& window) {
  CondShare share{{window, std::nullopt}};
  const std::vector<std::int64_t> shape = models::cropped_shape(latent_shape, share.region);
  if (cond.area) share.region.area = cut_to(*cond.area, shape);
  if (cond.mask.defined()) {
    share.weight = mask_weight(cond, latent_shape, share.region, shape[0]);
  } else if (share.region.area) {
    share.weight = area_weight(*share.region.area, cond.strength, shape);
  } else {
    share.weight = at::full({1, 1, 1, 1}, cond.strength, at::kFloat);
  }
  return share;
}

at::Tensor uncovered_weight(const std::vector<const CondShare*>& shares,
                            at::IntArrayRef window_shape) {
  at::Tensor rest = at::ones({window_shape[0], 1, window_shape[2], window_shape[3]}, at::kFloat);
  for (const CondShare* share : shares) {
    const auto& area = share->region.area;
    at::Tensor cells = area ? models::narrow_to(rest, *area) : rest;
    cells -= share->weight;
  }
  rest = rest.relu();
  return rest.any().item<bool>() ? rest : at::Tensor();
}

}  // namespace tandem::coordinator
