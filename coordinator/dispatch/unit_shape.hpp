// What makes two units take one worker equally long.
#pragma once

#include <string>

#include "protocol/unit.hpp"

namespace tandem::coordinator {

// The unit's kind, its model and the sizes of its tensors: "denoise m3 2 (1,4,64,64)". Equal texts
// mean equal work; the numbers in the tensors do not count.
std::string shape_of(const Unit& unit);

}  // namespace tandem::coordinator
