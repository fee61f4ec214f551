// DPM-Solver's singlestep methods (Lu et al. 2022, arXiv:2206.00927) in t = -log(sigma), predicting
// the noise.
#pragma once

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/denoiser.hpp"
#include "coordinator/sampling/sigmas.hpp"

namespace tandem::coordinator {

inline constexpr double kThird = 1.0 / 3;

// sigma at t.
float dpm_sigma(float t);
float dpm_time(float sigma);

// The way of a whole sampling in t: from the first sigma to the last, or to the one before a last
// 0. sigmas: at least two. Throws Error(kOutOfRange) where that does not descend, or begins at 0.
struct DpmRange {
  float t_start = 0.0F;
  float t_end = 0.0F;
};
DpmRange dpm_range(const Sigmas& sigmas);

// One step from t to t_next, in any of three orders; what one order evaluated, the next one reuses.
class DpmStep {
 public:
  // Evaluates the model at (x, t).
  DpmStep(Denoiser& denoise, at::Tensor x, float t, float t_next);

  const at::Tensor& denoised() const { return denoised_; }

  at::Tensor first_order() const;
  // r: where between t and t_next the second evaluation lies.
  at::Tensor second_order(double r = 0.5);
  // With evaluations at 1/3 and 2/3; after second_order, that was with r = 1/3.
  at::Tensor third_order();

 private:
  // x moved by the noise found at t over the share r of the step.
  at::Tensor moved(double r) const;
  at::Tensor noise_at(const at::Tensor& x, double r);
  const at::Tensor& inner_noise(double r);

  Denoiser& denoise_;
  at::Tensor x_;
  float t_;
  float h_;
  at::Tensor denoised_;
  at::Tensor noise_;
  at::Tensor inner_noise_;
};

}  // namespace tandem::coordinator
