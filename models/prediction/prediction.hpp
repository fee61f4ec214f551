// How a diffusion model's output relates to noise and image, and the sigmas it was trained with
// (ComfyUI's model_sampling). Shared by the workers, which apply it around the network, and the
// coordinator, which plans sigmas with it. All arithmetic is float32 on the CPU or on the tensors'
// own device.
#pragma once

#include <ATen/core/Tensor.h>

#include "models/prediction/sigma_table.hpp"
#include "protocol/model_info.hpp"

namespace tandem::models {

// Immutable; copies share the tables.
class Prediction {
 public:
  // Throws Error(kOutOfRange) if the parameters make no descending noise: see make_sigma_table.
  explicit Prediction(const SigmaParameters& parameters);

  Parameterization parameterization() const { return parameters_.parameterization; }
  // Whether x is (1 - sigma) * image + sigma * noise (rectified flow) instead of image + sigma *
  // noise.
  bool is_flow() const { return parameters_.parameterization == Parameterization::kFlow; }

  // What the network receives for a noisy x: c_in * x (Karras et al. 2022, table 1); x itself for
  // flow. sigma: (batch) or one element, float32; noise: (batch, ...). Returns noise's shape.
  at::Tensor calculate_input(const at::Tensor& sigma, const at::Tensor& noise) const;

  // The denoised image that the network's output stands for. sigma as above; model_output and
  // model_input (the noisy x, before calculate_input): (batch, ...) float32.
  at::Tensor calculate_denoised(const at::Tensor& sigma, const at::Tensor& model_output,
                                const at::Tensor& model_input) const;

  // What the network receives as its time. Discrete families: the index of the nearest sigma (in
  // log space) as int64; flow: sigma * multiplier, float32. Any shape, which it keeps.
  at::Tensor timestep(const at::Tensor& sigma) const;

  // The inverse: sigma at a fractional timestep, log-interpolated in the table for discrete
  // families. Any shape, which it keeps; float32.
  at::Tensor sigma(const at::Tensor& timestep) const;

  // The sigma at which a share of the sampling (0 to 1) is done. At or below 0: 999999999.9
  // (discrete) or 1 (flow); at or above 1: 0.
  double percent_to_sigma(double percent) const;

  // The noisy x that sampling starts from. noise and latent: same shape, float32, the latent in the
  // sampler's space. max_denoise: sigma is the largest there is, so that eps models start from
  // noise * sqrt(1 + sigma^2).
  at::Tensor noise_scaling(float sigma, const at::Tensor& noise, const at::Tensor& latent,
                           bool max_denoise) const;

  // Undoes noise_scaling's share of the latent after the last sigma: latent / (1 - sigma) for flow,
  // nothing otherwise.
  at::Tensor inverse_noise_scaling(float sigma, const at::Tensor& latent) const;

  float sigma_min() const { return sigma_min_; }
  float sigma_max() const { return sigma_max_; }

  // (timesteps) float32 on the CPU, ascending.
  const at::Tensor& sigmas() const { return table_.sigmas; }

 private:
  at::Tensor discrete_timestep(const at::Tensor& sigma) const;
  at::Tensor discrete_sigma(const at::Tensor& timestep) const;

  SigmaParameters parameters_;
  SigmaTable table_;
  float sigma_min_;
  float sigma_max_;
};

}  // namespace tandem::models
