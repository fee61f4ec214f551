#include <ATen/ATen.h>

#include "device_worker/handlers/handlers.hpp"
#include "device_worker/hooks/denoise_with_hooks.hpp"
#include "models/tensor/latent_region.hpp"

namespace tandem::worker {

DenoiseResult run(const Denoise& unit, UnitContext& context) {
  std::vector<const ModelCond*> conds;
  for (const ConstantId cond : unit.conds)
    conds.push_back(&context.models.cond(unit.model, cond));
  LoadedModel& model = context.models.at(unit.model);
  const auto forward = [&](const at::Tensor& x, float sigma, const SigmaParameters& sigmas) {
    return model.denoise(x, sigma, conds, sigmas, unit.region, unit.patches, unit.motion);
  };
  const LiveHooks& hooks = context.hooks.of(unit.conds);
  // Plug-ins see memory of the CPU.
  const at::Tensor x =
      models::crop(hooks.empty() ? context.tensors.open_near(unit.x) : context.tensors.open(unit.x),
                   unit.region);
  const at::Tensor denoised =
      hooks.empty()
          ? forward(x, unit.sigma, unit.sigmas)
          : denoise_with_hooks(hooks, {x, unit.sigma, unit.sigmas, conds.size()}, forward);
  check_finite(denoised, "The model's prediction");
  return {context.tensors.offer(denoised, context.output)};
}

}  // namespace tandem::worker
