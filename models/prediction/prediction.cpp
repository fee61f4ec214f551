#include "models/prediction/prediction.hpp"

#include <vector>

#include <ATen/ATen.h>

namespace tandem::models {
namespace {

// sigma of a batch against tensors (batch, ...): one element stands for all.
at::Tensor align(const at::Tensor& sigma, const at::Tensor& like) {
  if (sigma.numel() == 1) return sigma.reshape({});
  std::vector<std::int64_t> shape(static_cast<std::size_t>(like.dim()), 1);
  shape[0] = sigma.size(0);
  return sigma.reshape(shape);
}

// sigma^2 + sigma_data^2; the families here have sigma_data = 1.
at::Tensor variance(const at::Tensor& sigma) {
  return sigma.square() + 1.0;
}

// Boundary conditions of a consistency model (Luo et al. 2023, section 4.1), with its sigma_data of
// 0.5 and timestep scaling of 10: the identity at time 0, the prediction far from it.
at::Tensor consistency(const at::Tensor& timestep, const at::Tensor& x0, const at::Tensor& x) {
  constexpr double kSigmaData = 0.5;
  constexpr double kTimestepScaling = 10.0;
  const at::Tensor t = timestep * kTimestepScaling;
  const at::Tensor variance_t = t.square() + kSigmaData * kSigmaData;
  const at::Tensor c_skip = kSigmaData * kSigmaData / variance_t;
  const at::Tensor c_out = t / variance_t.sqrt();
  return c_out * x0 + c_skip * x;
}

}  // namespace

Prediction::Prediction(const SigmaParameters& parameters)
    : parameters_(parameters),
      table_(make_sigma_table(parameters)),
      sigma_min_(table_.sigmas[0].item<float>()),
      sigma_max_(table_.sigmas[-1].item<float>()) {}

at::Tensor Prediction::calculate_input(const at::Tensor& sigma, const at::Tensor& noise) const {
  if (is_flow()) return noise;
  return noise / variance(align(sigma, noise)).sqrt();
}

at::Tensor Prediction::calculate_denoised(const at::Tensor& sigma, const at::Tensor& model_output,
                                          const at::Tensor& model_input) const {
  const at::Tensor s = align(sigma, model_output);
  switch (parameters_.parameterization) {
    case Parameterization::kX0:
      return model_output;
    case Parameterization::kVPrediction:  // Salimans and Ho 2022, in terms of sigma
      return model_input / variance(s) - model_output * s / variance(s).sqrt();
    case Parameterization::kLcm:
      return consistency(align(timestep(sigma), model_output), model_input - model_output * s,
                         model_input);
    case Parameterization::kEps:
    case Parameterization::kFlow:
      break;
  }
  return model_input - model_output * s;
}

at::Tensor Prediction::timestep(const at::Tensor& sigma) const {
  return is_flow() ? sigma * parameters_.multiplier : discrete_timestep(sigma);
}

at::Tensor Prediction::discrete_timestep(const at::Tensor& sigma) const {
  const at::Tensor distance =
      sigma.reshape({1, -1}).log() - table_.log_sigmas.to(sigma.device()).unsqueeze(1);
  const at::Tensor nearest = distance.abs().argmin(0).reshape(sigma.sizes());
  return nearest * table_.skip + (table_.skip - 1);
}

at::Tensor Prediction::sigma(const at::Tensor& timestep) const {
  if (!is_flow()) return discrete_sigma(timestep);
  return shift_flow_time(parameters_.shift, timestep / parameters_.multiplier);
}

at::Tensor Prediction::discrete_sigma(const at::Tensor& timestep) const {
  const at::Tensor position = (timestep.to(at::kFloat) - (table_.skip - 1)) / table_.skip;
  const at::Tensor t = position.clamp(0, table_.sigmas.size(0) - 1);
  const at::Tensor log_sigmas = table_.log_sigmas.to(t.device());
  const at::Tensor low = log_sigmas.take(t.floor().to(at::kLong));
  const at::Tensor high = log_sigmas.take(t.ceil().to(at::kLong));
  const at::Tensor weight = t.frac();
  return ((1 - weight) * low + weight * high).exp();
}

double Prediction::percent_to_sigma(double percent) const {
  if (percent >= 1.0) return 0.0;
  if (is_flow()) {
    return percent <= 0.0 ? 1.0 : shift_flow_time(parameters_.shift, 1.0 - percent);
  }
  if (percent <= 0.0) return 999999999.9;
  // The reference scales by 999 whatever the number of timesteps.
  return discrete_sigma(at::scalar_tensor((1.0 - percent) * 999.0, at::kFloat)).item<double>();
}

at::Tensor Prediction::noise_scaling(float sigma, const at::Tensor& noise, const at::Tensor& latent,
                                     bool max_denoise) const {
  const at::Tensor s = at::scalar_tensor(sigma, at::kFloat);
  if (is_flow()) return s * noise + (1.0 - s) * latent;
  return noise * (max_denoise ? variance(s).sqrt() : s) + latent;
}

at::Tensor Prediction::inverse_noise_scaling(float sigma, const at::Tensor& latent) const {
  return is_flow() ? latent / (1.0F - sigma) : latent;
}

}  // namespace tandem::models
