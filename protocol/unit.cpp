#include "protocol/unit.hpp"

namespace tandem {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
// Clang deduces aggregates only from version 17 on.
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

ModelId model_of(const Unit& unit) {
  return std::visit(
      Overloaded{[](const PluginUnit&) { return kNoModel; }, [](const auto& u) { return u.model; }},
      unit);
}

ModelPart part_of(const Unit& unit) {
  return std::visit(Overloaded{[](const EncodeText&) { return ModelPart::kText; },
                               [](const Denoise&) { return ModelPart::kUnet; },
                               [](const DecodeLatent&) { return ModelPart::kVae; },
                               [](const EncodeImage&) { return ModelPart::kVae; },
                               [](const Forward&) { return ModelPart::kUnet; },
                               [](const UpscaleTile&) { return ModelPart::kUpscale; },
                               [](const PluginUnit&) { return ModelPart::kUnet; }},
                    unit);
}

const char* kind_name(const Unit& unit) {
  return std::visit(Overloaded{[](const EncodeText&) { return "encode_text"; },
                               [](const Denoise&) { return "denoise"; },
                               [](const DecodeLatent&) { return "decode_latent"; },
                               [](const EncodeImage&) { return "encode_image"; },
                               [](const Forward&) { return "forward"; },
                               [](const UpscaleTile&) { return "upscale_tile"; },
                               [](const PluginUnit&) { return "plugin"; }},
                    unit);
}

}  // namespace tandem
