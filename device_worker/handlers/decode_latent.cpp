#include <ATen/ATen.h>

#include "device_worker/handlers/handlers.hpp"

namespace tandem::worker {

DecodeLatentResult run(const DecodeLatent& unit, UnitContext& context) {
  LoadedModel& model = context.models.at(unit.model);
  const at::Tensor latent = context.tensors.open_near(unit.latent);
  const at::Tensor image = unit.is_tile ? model.decode_tile(latent) : model.decode(latent);
  check_finite(image, "The decoded image");
  return {context.tensors.offer(image, context.output)};
}

}  // namespace tandem::worker
