// What the SEEDS solvers share: one step from sigma to the next one, cut at shares of its length.
#pragma once

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/samplers/samplers.hpp"

namespace tandem::coordinator {

// Gonzalez et al. 2023 (arXiv:2305.14267), predicting the data of a variance preserving process:
// exponential integrators in lambda = log(alpha / sigma), and Brownian noise that the stages of a
// step share. sigma and next are above 0.
class SeedsStep {
 public:
  // s_noise 0 or eta 0: no noise is drawn.
  SeedsStep(SamplerContext& ctx, const at::Tensor& x, float sigma, float next, double eta,
            double s_noise);

  // The noise level at the share r of the step in lambda.
  float sigma_at(double r) const;

  // phi_1 and phi_2, times h, of the exponential integrator over the share r.
  float phi_1(double r) const;
  float phi_2(double r) const;

  // x at the share r, moved by `weighted`, the phi-weighted sum of predictions; with noise. Calls
  // come with growing r.
  at::Tensor x_at(double r, const at::Tensor& weighted);

 private:
  void draw_up_to(double r, at::IntArrayRef shape);

  SamplerContext& ctx_;
  const at::Tensor& x_;
  float sigma_;
  float eta_;
  double s_noise_;
  float lambda_;
  float lambda_next_;
  float h_;
  at::Tensor noise_;
  double noise_share_ = 0.0;
};

}  // namespace tandem::coordinator
