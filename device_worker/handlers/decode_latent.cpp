#include <ATen/ATen.h>

#include "device_worker/handlers/handlers.hpp"

namespace tandem::worker {

DecodeLatentResult run(const DecodeLatent& unit, UnitContext& context) {
  const at::Tensor image = context.models.at(unit.model).decode(context.tensors.open(unit.latent));
  check_finite(image, "The decoded image");
  return {context.tensors.offer(image, context.output)};
}

}  // namespace tandem::worker
