// Formulas that guiders share.
#pragma once

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/guiders/guiders.hpp"

namespace tandem::coordinator {

// Python's math.isclose(cfg, 1.0).
bool is_one(double cfg);

// away + cfg * (towards - away), for two predictions of the same x; rescaled as guider.rescale
// says: that share of the result has, per item, the standard deviation of `towards` (Lin et al.
// 2023, arXiv:2305.08891, section 3.4; taken of v-predictions, as ComfyUI's RescaleCFG does).
at::Tensor guide(const Predictions& predictions, const at::Tensor& towards, const at::Tensor& away,
                 double cfg, const GuiderSettings& settings);

}  // namespace tandem::coordinator
