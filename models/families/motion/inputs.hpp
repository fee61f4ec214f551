// What a network's motion modules are given beside the image.
#pragma once

#include <cstdint>

namespace tandem::models {

// Without meaning for a network that has none.
struct MotionInputs {
  std::int64_t frames = 1;  // so many items of the batch, one after the other, are one sequence
  double scale = 1.0;       // of the keys of their attention
  double effect = 1.0;      // share of their result beside their input; 0: they are left out

  bool operator==(const MotionInputs&) const = default;
};

}  // namespace tandem::models
