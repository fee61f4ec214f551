#include "coordinator/conditioning/areas.hpp"

#include <algorithm>
#include <cmath>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

std::int64_t share_of(double share, std::int64_t cells) {
  return std::llrint(share * static_cast<double>(cells));
}

LatentArea in_cells(const job::AreaPercent& area, std::int64_t height, std::int64_t width) {
  return {std::max<std::int64_t>(1, share_of(area.height, height)),
          std::max<std::int64_t>(1, share_of(area.width, width)), share_of(area.y, height),
          share_of(area.x, width)};
}

[[noreturn]] void refuse_outside(const LatentArea& area, c10::IntArrayRef shape,
                                 const std::string& path) {
  const auto point = [](std::int64_t y, std::int64_t x) {
    return "(" + std::to_string(y) + ", " + std::to_string(x) + ")";
  };
  throw Error(ErrorCode::kOutOfRange,
              "An area begins at cell " + point(area.y, area.x) + ", outside of the " +
                  std::to_string(shape[2]) + " by " + std::to_string(shape[3]) +
                  " cells that there are.",
              "Areas are counted in latent cells, within each context window.", path);
}

bool begins_in(const LatentArea& area, c10::IntArrayRef shape) {
  return area.y < shape[2] && area.x < shape[3];
}

}  // namespace

std::optional<LatentArea> resolve_area(const job::Cond& cond, c10::IntArrayRef latent_shape,
                                       const std::string& path) {
  std::optional<LatentArea> area;
  if (cond.area) area = {cond.area->height, cond.area->width, cond.area->y, cond.area->x};
  if (cond.area_percent) area = in_cells(*cond.area_percent, latent_shape[2], latent_shape[3]);
  if (area && !begins_in(*area, latent_shape)) {
    refuse_outside(*area, latent_shape, path + (cond.area ? ".area" : ".area_percent"));
  }
  return area;
}

bool is_inside(const LatentArea& area, const LatentArea& other) {
  return area.y >= other.y && area.x >= other.x && area.y + area.height <= other.y + other.height &&
         area.x + area.width <= other.x + other.width;
}

LatentArea cut_to(const LatentArea& area, c10::IntArrayRef latent_shape) {
  if (!begins_in(area, latent_shape)) refuse_outside(area, latent_shape, "context");
  return {std::min(area.height, latent_shape[2] - area.y),
          std::min(area.width, latent_shape[3] - area.x), area.y, area.x};
}

}  // namespace tandem::coordinator
