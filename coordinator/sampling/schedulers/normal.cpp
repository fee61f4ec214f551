#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/schedulers/schedulers.hpp"

namespace tandem::coordinator {
namespace {

// A table whose smallest sigma is this near to 0 ends the schedule by itself.
constexpr float kAlmostZero = 1e-5F;

at::Scalar timestep_of(const models::Prediction& prediction, float sigma) {
  return prediction.timestep(at::scalar_tensor(sigma, at::kFloat)).item();
}

at::Tensor even_timesteps(const models::Prediction& prediction, int count) {
  return at::linspace(timestep_of(prediction, prediction.sigma_max()),
                      timestep_of(prediction, prediction.sigma_min()), count, at::kFloat);
}

Sigmas sigmas_at(const models::Prediction& prediction, const at::Tensor& timesteps) {
  return to_sigmas(prediction.sigma(timesteps), "sampler.scheduler");
}

bool ends_at_zero(const models::Prediction& prediction) {
  const at::Tensor end = prediction.timestep(at::scalar_tensor(prediction.sigma_min(), at::kFloat));
  return std::abs(prediction.sigma(end).item<float>()) <= kAlmostZero;
}

}  // namespace

// ComfyUI's normal_scheduler.
Sigmas normal_schedule(const models::Prediction& prediction, int steps) {
  if (ends_at_zero(prediction)) {
    return sigmas_at(prediction, even_timesteps(prediction, steps + 1));
  }
  Sigmas sigmas = sigmas_at(prediction, even_timesteps(prediction, steps));
  sigmas.push_back(0.0F);
  return sigmas;
}

// ComfyUI's normal_scheduler with sgm.
Sigmas sgm_uniform_schedule(const models::Prediction& prediction, int steps) {
  Sigmas sigmas = sigmas_at(prediction, even_timesteps(prediction, steps + 1).slice(0, 0, steps));
  sigmas.push_back(0.0F);
  return sigmas;
}

}  // namespace tandem::coordinator
