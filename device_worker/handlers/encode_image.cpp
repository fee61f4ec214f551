#include <ATen/ATen.h>

#include "device_worker/handlers/handlers.hpp"

namespace tandem::worker {

EncodeImageResult run(const EncodeImage& unit, UnitContext& context) {
  const at::Tensor latent =
      context.models.at(unit.model).encode(context.tensors.open_near(unit.image));
  check_finite(latent, "The encoded image");
  return {context.tensors.offer(latent, context.output)};
}

}  // namespace tandem::worker
