#include "coordinator/dispatch/unit_shape.hpp"

#include <variant>

#include "protocol/tensor_handle.hpp"

namespace tandem::coordinator {
namespace {

std::string sizes_of(const TensorHandle& tensor) {
  std::string text = " (";
  for (const std::int64_t size : layout_of(tensor).shape)
    text += std::to_string(size) + ",";
  text.back() = ')';
  return text;
}

// One overload per kind, of what its work depends on.
// A part of x counts by its size, wherever it lies.
std::string sizes_of(const LatentRegion& region) {
  std::string text;
  if (region.window) text += " window " + std::to_string(region.window->indices.size());
  if (region.area) {
    text +=
        " area " + std::to_string(region.area->height) + "x" + std::to_string(region.area->width);
  }
  if (region.item) text += " item";
  return text;
}

std::string sizes(const Denoise& unit) {
  return " " + std::to_string(unit.conds.size()) + sizes_of(unit.x) + sizes_of(unit.region);
}

std::string sizes(const EncodeText& unit) {
  std::size_t bytes = 0;
  for (const TextSection& section : unit.sections)
    bytes += section.text.size();
  // A chunk of 77 tokens is about this long.
  constexpr std::size_t kChunkBytes = 300;
  return " " + std::to_string(bytes / kChunkBytes) + (unit.want_cond ? " cond" : " tokens");
}

std::string sizes(const DecodeLatent& unit) {
  return sizes_of(unit.latent);
}

std::string sizes(const EncodeImage& unit) {
  return sizes_of(unit.image);
}

std::string sizes(const UpscaleTile& unit) {
  return sizes_of(unit.image);
}

std::string sizes(const Forward& unit) {
  return sizes_of(unit.x);
}

std::string sizes(const PluginUnit& unit) {
  std::string text = " " + unit.plugin + " " + unit.kind;
  for (const PluginInput& input : unit.inputs)
    text += sizes_of(input.tensor);
  return text;
}

}  // namespace

std::string shape_of(const Unit& unit) {
  return std::string(kind_name(unit)) + " m" + std::to_string(model_of(unit).value) +
         std::visit([](const auto& u) { return sizes(u); }, unit);
}

}  // namespace tandem::coordinator
