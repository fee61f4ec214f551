// What a host hears of a sampling as it goes on.
#pragma once

#include <functional>

#include <ATen/core/Tensor.h>

namespace tandem::coordinator {

struct StepReport {
  int step = 0;         // from 1
  int total = 0;        // steps of this sampling
  float sigma = 0.0F;   // that the step began at
  at::Tensor denoised;  // its (first) prediction of the image, in the sampler's space
};

// Called in the job's thread after each step of the sampler. What it throws ends the sampling.
using OnStep = std::function<void(const StepReport&)>;

}  // namespace tandem::coordinator
