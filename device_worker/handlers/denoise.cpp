#include <ATen/ATen.h>

#include "device_worker/handlers/handlers.hpp"

namespace tandem::worker {

DenoiseResult run(const Denoise& unit, UnitContext& context) {
  std::vector<const ModelCond*> conds;
  for (const ConstantId cond : unit.conds)
    conds.push_back(&context.models.cond(unit.model, cond));
  const at::Tensor denoised = context.models.at(unit.model)
                                  .denoise(context.tensors.open(unit.x), unit.sigma, conds,
                                           unit.sigmas, unit.region, unit.patches);
  check_finite(denoised, "The model's prediction");
  return {context.tensors.offer(denoised, context.output)};
}

}  // namespace tandem::worker
