#include <ATen/ATen.h>

#include "device_worker/handlers/handlers.hpp"
#include "models/tensor/tensor_view.hpp"
#include "plugin/loading/guarded.hpp"
#include "plugin/loading/options.hpp"
#include "plugin/loading/tensors.hpp"

namespace tandem::worker {
namespace {

constexpr std::uint64_t kAlignment = 64;  // as the coordinator counted

std::vector<at::Tensor> open_inputs(const PluginUnit& unit, const TensorExchange& tensors) {
  std::vector<at::Tensor> inputs;
  for (const PluginInput& input : unit.inputs)
    inputs.push_back(tensors.open(input.tensor));
  return inputs;
}

std::vector<at::Tensor> make_outputs(const PluginUnit& unit) {
  std::vector<at::Tensor> outputs;
  for (const PluginOutput& output : unit.outputs) {
    const at::TensorOptions type(models::scalar_type_of(output.layout.dtype));
    outputs.push_back(at::zeros(output.layout.shape, type));
  }
  return outputs;
}

plugin::WorkView view_of(const PluginUnit& unit, const plugin::Options& options,
                         const std::vector<at::Tensor>& inputs,
                         const std::vector<at::Tensor>& outputs) {
  plugin::WorkView view{options, {}, {}};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    view.inputs.push_back({unit.inputs[i].name,
                           {to_plugin(models::layout_of(inputs[i])),
                            static_cast<const std::byte*>(inputs[i].const_data_ptr())}});
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    view.outputs.push_back({unit.outputs[i].name,
                            {to_plugin(unit.outputs[i].layout),
                             static_cast<std::byte*>(outputs[i].mutable_data_ptr())}});
  }
  return view;
}

// One after the other in the unit's slot.
class SlotParts {
 public:
  explicit SlotParts(const OutputSlot& slot) : rest_(slot) {}

  TensorHandle offer(const at::Tensor& tensor, TensorExchange& tensors) {
    TensorHandle handle = tensors.offer(tensor, rest_);
    const std::uint64_t taken = std::min<std::uint64_t>(
        rest_.bytes, (tensor.nbytes() + kAlignment - 1) / kAlignment * kAlignment);
    rest_.offset += taken;
    rest_.bytes -= taken;
    return handle;
  }

 private:
  OutputSlot rest_;
};

}  // namespace

PluginUnitResult run(const PluginUnit& unit, UnitContext& context) {
  const plugin::UnitKind& kind = context.plugins.unit_kind(unit.plugin, unit.kind, "plugin");
  const plugin::Options options = plugin_options(unit.options);
  const std::vector<at::Tensor> inputs = open_inputs(unit, context.tensors);
  const std::vector<at::Tensor> outputs = make_outputs(unit);
  guarded(unit.plugin, "plugin", [&] { kind.run(view_of(unit, options, inputs, outputs)); });
  PluginUnitResult result;
  SlotParts slot(context.output);
  for (const at::Tensor& output : outputs) {
    check_finite(output, "The result of the plug-in");
    result.outputs.push_back(slot.offer(output, context.tensors));
  }
  return result;
}

}  // namespace tandem::worker
