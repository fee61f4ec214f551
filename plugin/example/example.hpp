// The parts of the example: a wrapper, a callback, a unit kind.
#pragma once

#include <memory>

#include <tandem/plugin.hpp>

namespace example {

// wrapper, option "limit" (4): the prediction is cut to -limit .. limit, in the sampler's space
// (Imagen's static thresholding, Saharia et al. 2022, section 2.3).
std::unique_ptr<tandem::plugin::Hook> make_clamp(const tandem::plugin::Options& options);

// callback, no options: a line in the worker's log for each pass.
std::unique_ptr<tandem::plugin::Hook> make_report(const tandem::plugin::Options& options);

// "sharpen", option "amount" (1): unsharp mask of pictures, a unit for each. Takes one tensor,
// (batch, height, width, channels) float32, and gives "image" of the same shape, 0 to 1.
const tandem::plugin::UnitKind& sharpen();

}  // namespace example
