// Every area needs a prediction of the other lists over just that area.
#pragma once

#include <vector>

#include "coordinator/units/cond_evaluator.hpp"

namespace tandem::coordinator {

// Copies every cond with an area into the lists that are not its own: with its area, strength,
// mask and range, and with the text of their smallest cond whose area holds it. Nothing is added to
// a list where that cond has the same area, or where none holds it (ComfyUI's
// create_cond_with_same_area_if_none). Lists are visited in their order, copies included.
void add_opposite_areas(std::vector<CondList>& lists);

}  // namespace tandem::coordinator
