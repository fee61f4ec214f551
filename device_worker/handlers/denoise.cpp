#include <ATen/ATen.h>

#include "device_worker/handlers/handlers.hpp"
#include "device_worker/hooks/denoise_with_hooks.hpp"
#include "models/tensor/latent_region.hpp"

namespace tandem::worker {
namespace {

// Of the items that the unit's window leaves.
std::vector<float> item_sigmas_of(const Denoise& unit) {
  const auto& window = unit.region.window;
  if (!window || window->dim != 0) return unit.item_sigmas;
  std::vector<float> sigmas;
  for (const std::int64_t item : window->indices)
    sigmas.push_back(unit.item_sigmas.at(static_cast<std::size_t>(item)));
  return sigmas;
}

// Of what the unit's region leaves.
NoiseLevels levels_of(const Denoise& unit) {
  if (unit.item_sigmas.empty()) return unit.sigma;
  const std::vector<float> sigmas = item_sigmas_of(unit);
  if (unit.region.item) return sigmas.at(static_cast<std::size_t>(*unit.region.item));
  return NoiseLevels(sigmas);
}

}  // namespace

DenoiseResult run(const Denoise& unit, UnitContext& context) {
  std::vector<const ModelCond*> conds;
  for (const ConstantId cond : unit.conds)
    conds.push_back(&context.models.cond(unit.model, cond));
  LoadedModel& model = context.models.at(unit.model);
  const auto forward = [&](const at::Tensor& x, const NoiseLevels& sigma,
                           const SigmaParameters& sigmas) {
    return model.denoise(x, sigma, conds, sigmas, unit.region, unit.patches, unit.motion);
  };
  const LiveHooks& hooks = context.hooks.of(unit.conds);
  // Plug-ins see memory of the CPU.
  const at::Tensor x =
      models::crop(hooks.empty() ? context.tensors.open_near(unit.x) : context.tensors.open(unit.x),
                   unit.region);
  const at::Tensor denoised =
      hooks.empty()
          ? forward(x, levels_of(unit), unit.sigmas)
          : denoise_with_hooks(hooks, {x, unit.sigma, unit.sigmas, conds.size()}, forward);
  check_finite(denoised, "The model's prediction");
  return {context.tensors.offer(denoised, context.output)};
}

}  // namespace tandem::worker
