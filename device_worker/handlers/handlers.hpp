// What a worker does with a unit: one overload per kind. A kind without one does not compile
// (run_unit).
#pragma once

#include "device_worker/hooks/hook_store.hpp"
#include "device_worker/model_store.hpp"
#include "device_worker/tensor_exchange.hpp"
#include "plugin/loading/plugin_set.hpp"
#include "protocol/unit.hpp"

namespace tandem::worker {

struct UnitContext {
  ModelStore& models;
  TensorExchange& tensors;
  const OutputSlot& output;
  const PluginSet& plugins;
  HookStore& hooks;
};

// All throw tandem::Error; results that are not finite throw kNotFinite.
EncodeTextResult run(const EncodeText& unit, UnitContext& context);
DenoiseResult run(const Denoise& unit, UnitContext& context);
DecodeLatentResult run(const DecodeLatent& unit, UnitContext& context);
EncodeImageResult run(const EncodeImage& unit, UnitContext& context);
ForwardResult run(const Forward& unit, UnitContext& context);
UpscaleTileResult run(const UpscaleTile& unit, UnitContext& context);
PluginUnitResult run(const PluginUnit& unit, UnitContext& context);

UnitResult run_unit(const Unit& unit, UnitContext& context);

// Throws kNotFinite, saying what holds a NaN or an infinity.
void check_finite(const at::Tensor& tensor, const char* what);

}  // namespace tandem::worker
