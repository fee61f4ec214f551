// Between a plug-in's layouts and the protocol's.
#pragma once

#include <tandem/plugin_tensor.hpp>

#include "protocol/tensor_layout.hpp"

namespace tandem {

plugin::Layout to_plugin(const TensorLayout& layout);
// Throws kBadShape for what does not travel: an element type that is none, a negative size, too
// many dimensions, a size that does not fit in 63 bits.
TensorLayout from_plugin(const plugin::Layout& layout);

}  // namespace tandem
