// How strongly a unit uses the motion modules of its model.
#pragma once

namespace tandem {

// Without meaning for a model that has none.
struct MotionUse {
  double scale = 1.0;   // of the keys of their attention
  double effect = 1.0;  // share of their result beside their input; 0: they are left out

  bool operator==(const MotionUse&) const = default;
};

}  // namespace tandem
