#include <ATen/ATen.h>

#include "device_worker/handlers/handlers.hpp"

namespace tandem::worker {

UpscaleTileResult run(const UpscaleTile& unit, UnitContext& context) {
  const at::Tensor image =
      context.models.at(unit.model).upscale(context.tensors.open_near(unit.image));
  check_finite(image, "The upscaled picture");
  return {context.tensors.offer(image, context.output)};
}

}  // namespace tandem::worker
