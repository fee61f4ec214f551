// Small formulas that samplers share.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/samplers/options.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/sigmas.hpp"

namespace tandem::coordinator {

// dx/dsigma of the probability flow ODE: (x - denoised) / sigma (Karras et al. 2022, equation 3).
at::Tensor to_d(const at::Tensor& x, float sigma, const at::Tensor& denoised);

// torch.lerp of two numbers.
float lerp(float start, float end, float weight);

// The sigma half-way between two in log sigma; both above 0.
float middle_sigma(float from, float to);

// Where an ancestral step goes: down by the ODE, and up again by noise.
struct AncestralStep {
  float sigma_down = 0.0F;
  float sigma_up = 0.0F;
  float scale = 1.0F;  // of x, before the noise is added
};

// k-diffusion's get_ancestral_step; eta 0 is the ODE alone.
AncestralStep get_ancestral_step(float sigma_from, float sigma_to, double eta);

// The same idea where x is (1 - sigma) * image + sigma * noise: to below the next sigma, then scale
// the image back and add the noise that is missing (ComfyUI's samplers named RF). Other models step
// as above.
AncestralStep get_ancestral_step(const models::Prediction& prediction, float sigma_from,
                                 float sigma_to, double eta);

// x at sigma_down with the step's noise, drawn from noise.
at::Tensor renoise(const at::Tensor& x, const AncestralStep& step, double s_noise,
                   NoiseGenerator& noise);

// Karras et al. 2022, algorithm 2, lines 4 to 6: noise added back before a step, as s_churn,
// s_tmin, s_tmax and s_noise say.
class Churn {
 public:
  // draws_always: a step without churn advances the generator all the same (heunpp2's).
  explicit Churn(SamplerContext& ctx, bool draws_always = false);

  // Raises x's noise level from sigma, where that is asked for; returns the new level.
  float raise(at::Tensor& x, float sigma);

 private:
  double gamma_at(float sigma) const;

  NoiseGenerator& noise_;
  bool draws_always_;
  double gamma_;
  float s_tmin_;
  float s_tmax_;
  double s_noise_;
};

// What a multistep method keeps of its last steps.
class History {
 public:
  explicit History(std::size_t longest) : longest_(longest) {}

  void push(at::Tensor newest);
  void replace_newest(at::Tensor newest) { tensors_.front() = std::move(newest); }

  std::size_t size() const { return tensors_.size(); }
  // The newest one is 0.
  const at::Tensor& operator[](std::size_t age) const { return tensors_[age]; }

 private:
  std::size_t longest_;
  std::deque<at::Tensor> tensors_;
};

}  // namespace tandem::coordinator
