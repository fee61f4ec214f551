#include <ATen/ATen.h>

#include "device_worker/handlers/handlers.hpp"

namespace tandem::worker {

ForwardResult run(const Forward& unit, UnitContext& context) {
  const auto open = [&](const std::optional<TensorHandle>& handle) {
    return handle ? context.tensors.open(*handle) : at::Tensor();
  };
  const at::Tensor out =
      context.models.at(unit.model)
          .forward(context.tensors.open_near(unit.x), context.tensors.open(unit.timestep),
                   open(unit.context), open(unit.y), unit.patches, unit.motion);
  check_finite(out, "The model's output");
  return {context.tensors.offer(out, context.output)};
}

}  // namespace tandem::worker
