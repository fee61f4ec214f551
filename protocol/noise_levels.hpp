// The noise level of a batch: one for all of its items, or one for each.
#pragma once

#include <utility>
#include <vector>

namespace tandem {

struct NoiseLevels {
  std::vector<float> sigmas;  // never empty

  // Of most batches there is one.
  NoiseLevels(float sigma) : sigmas{sigma} {}  // NOLINT(google-explicit-constructor)
  explicit NoiseLevels(std::vector<float> of_items) : sigmas(std::move(of_items)) {}
};

}  // namespace tandem
