#include <ATen/ATen.h>

#include "coordinator/sampling/guiders/guiders.hpp"

namespace tandem::coordinator {

std::vector<ListId> basic_lists(const GuiderSettings&) {
  return {ListId::kPositive};
}

// As in ComfyUI a CFG++ sampler finds an unconditional image of zeros.
GuidedPrediction basic_combine(const Predictions& predictions, const GuiderSettings&) {
  return {predictions.positive, predictions.negative};
}

}  // namespace tandem::coordinator
