#include "models/tensor/latent_region.hpp"

#include <ATen/ATen.h>

namespace tandem::models {

at::Tensor take_window(const at::Tensor& latent, const LatentWindow& window) {
  if (is_run(window)) {
    return latent.narrow(window.dim, window.indices.front(),
                         static_cast<std::int64_t>(window.indices.size()));
  }
  const at::Tensor indices = at::tensor(window.indices, at::kLong).to(latent.device());
  return latent.index_select(window.dim, indices);
}

at::Tensor narrow_to(const at::Tensor& latent, const LatentArea& area) {
  return latent.narrow(-2, area.y, area.height).narrow(-1, area.x, area.width);
}

at::Tensor crop(const at::Tensor& latent, const LatentRegion& region) {
  at::Tensor left = region.window ? take_window(latent, *region.window) : latent;
  if (region.area) left = narrow_to(left, *region.area);
  return region.item ? left.narrow(0, *region.item, 1) : left;
}

std::vector<std::int64_t> cropped_shape(at::IntArrayRef latent_shape, const LatentRegion& region) {
  std::vector<std::int64_t> shape = latent_shape.vec();
  if (region.window) {
    shape.at(static_cast<std::size_t>(region.window->dim)) =
        static_cast<std::int64_t>(region.window->indices.size());
  }
  if (region.area) {
    shape.at(shape.size() - 2) = region.area->height;
    shape.at(shape.size() - 1) = region.area->width;
  }
  if (region.item) shape.front() = 1;
  return shape;
}

}  // namespace tandem::models
