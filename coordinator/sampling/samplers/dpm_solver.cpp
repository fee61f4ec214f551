#include "coordinator/sampling/samplers/dpm_solver.hpp"

#include <cmath>
#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/steps.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {

float dpm_sigma(float t) {
  return std::exp(-t);
}

float dpm_time(float sigma) {
  return -std::log(sigma);
}

DpmRange dpm_range(const Sigmas& sigmas) {
  const float first = sigmas.front();
  const float last = sigmas.back() != 0.0F ? sigmas.back() : sigmas[sigmas.size() - 2];
  if (last <= 0.0F || last > first) {
    throw Error(ErrorCode::kOutOfRange,
                "DPM-Solver's sigmas go down and stay above 0 up to the last; these go from " +
                    std::to_string(first) + " to " + std::to_string(last) + ".",
                "", "sampler.sigmas");
  }
  return {dpm_time(first), dpm_time(last)};
}

DpmStep::DpmStep(Denoiser& denoise, at::Tensor x, float t, float t_next)
    : denoise_(denoise),
      x_(std::move(x)),
      t_(t),
      h_(t_next - t),
      denoised_(denoise_(x_, dpm_sigma(t))),
      noise_(to_d(x_, dpm_sigma(t), denoised_)) {}

at::Tensor DpmStep::moved(double r) const {
  const float h = static_cast<float>(r) * h_;
  return x_ - dpm_sigma(t_ + h) * std::expm1(h) * noise_;
}

at::Tensor DpmStep::noise_at(const at::Tensor& x, double r) {
  const float sigma = dpm_sigma(t_ + static_cast<float>(r) * h_);
  return to_d(x, sigma, denoise_(x, sigma));
}

const at::Tensor& DpmStep::inner_noise(double r) {
  if (!inner_noise_.defined()) inner_noise_ = noise_at(moved(r), r);
  return inner_noise_;
}

at::Tensor DpmStep::first_order() const {
  return moved(1.0);
}

at::Tensor DpmStep::second_order(double r) {
  const at::Tensor change = inner_noise(r) - noise_;
  const float weight = dpm_sigma(t_ + h_) / static_cast<float>(2 * r) * std::expm1(h_);
  return moved(1.0) - weight * change;
}

at::Tensor DpmStep::third_order() {
  constexpr double kTwoThirds = 2 * kThird;
  // phi_2 of the exponential integrator, times h.
  const auto phi = [](float h) { return std::expm1(h) / h - 1; };
  const float inner = static_cast<float>(kTwoThirds) * h_;
  const float weight_2 = dpm_sigma(t_ + inner) * static_cast<float>(kTwoThirds / kThird);
  const at::Tensor x_2 = moved(kTwoThirds) - weight_2 * phi(inner) * (inner_noise(kThird) - noise_);
  const at::Tensor change = noise_at(x_2, kTwoThirds) - noise_;
  const float weight = dpm_sigma(t_ + h_) / static_cast<float>(kTwoThirds);
  return moved(1.0) - weight * phi(h_) * change;
}

}  // namespace tandem::coordinator
