// Small formulas that samplers share.
#pragma once

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/samplers/options.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/sigmas.hpp"

namespace tandem::coordinator {

// dx/dsigma of the probability flow ODE: (x - denoised) / sigma (Karras et al. 2022, equation 3).
at::Tensor to_d(const at::Tensor& x, float sigma, const at::Tensor& denoised);

// Where an ancestral step goes: down by the ODE, and up again by noise.
struct AncestralStep {
  float sigma_down = 0.0F;
  float sigma_up = 0.0F;
};

// k-diffusion's get_ancestral_step; eta 0 is the ODE alone.
AncestralStep get_ancestral_step(float sigma_from, float sigma_to, double eta);

// Karras et al. 2022, algorithm 2, lines 4 to 6: noise added back before a step, as s_churn,
// s_tmin, s_tmax and s_noise say.
class Churn {
 public:
  explicit Churn(SamplerContext& ctx);

  // Raises x's noise level from sigma, where that is asked for; returns the new level.
  float raise(at::Tensor& x, float sigma);

 private:
  double gamma_at(float sigma) const;

  NoiseGenerator& noise_;
  double gamma_;
  float s_tmin_;
  float s_tmax_;
  double s_noise_;
};

}  // namespace tandem::coordinator
