// THE list of work-unit kinds. A new kind is a header in units/ and an alternative here; the
// handlers of the worker and the places that visit a unit do not compile until they know it.
#pragma once

#include <cstdint>
#include <variant>

#include "protocol/ids.hpp"
#include "protocol/model_spec.hpp"
#include "protocol/units/decode_latent.hpp"
#include "protocol/units/denoise.hpp"
#include "protocol/units/encode_image.hpp"
#include "protocol/units/encode_text.hpp"
#include "protocol/units/forward.hpp"
#include "protocol/units/plugin_unit.hpp"
#include "protocol/units/upscale_tile.hpp"

namespace tandem {

using Unit =
    std::variant<EncodeText, Denoise, DecodeLatent, EncodeImage, Forward, UpscaleTile, PluginUnit>;
using UnitResult =
    std::variant<EncodeTextResult, DenoiseResult, DecodeLatentResult, EncodeImageResult,
                 ForwardResult, UpscaleTileResult, PluginUnitResult>;

// The model and the part of it that a worker must have loaded to run the unit; kNoModel: none.
ModelId model_of(const Unit& unit);
ModelPart part_of(const Unit& unit);

// The kind's name in events and logs: "encode_text", "denoise", ...
const char* kind_name(const Unit& unit);

}  // namespace tandem
