#include <cmath>
#include <vector>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {
namespace {

// Points of the numerical integration.
constexpr std::int64_t kPoints = 10'000;

// The VP SDE (Song et al. 2021) whose time replaces sigma: beta grows linearly from beta_min over
// t in [0, 1], so that sigma is 80 at t = 1 and 0.002 at t = 0.001.
class VpTime {
 public:
  VpTime() {
    constexpr float kSigmaMin = 0.002F;
    constexpr float kSigmaMax = 80.0F;
    constexpr float kStart = 1e-3F;
    const float log_min = std::log(kSigmaMin * kSigmaMin + 1);
    const float log_max = std::log(kSigmaMax * kSigmaMax + 1);
    beta_d_ = 2 * (log_min / kStart - log_max) / (kStart - 1);
    beta_min_ = log_max - 0.5F * beta_d_;
  }

  float of(float sigma) const {
    const float log_variance = std::log(sigma * sigma + 1);
    return (std::sqrt(beta_min_ * beta_min_ + 2 * beta_d_ * log_variance) - beta_min_) / beta_d_;
  }

  // What the slope's polynomial is integrated with: d sigma / dt along the process.
  at::Tensor weight(const at::Tensor& t) const {
    const at::Tensor alpha = (-0.5 * t.square() * beta_d_ - t * beta_min_).exp();
    const at::Tensor d_log_alpha = -(t * beta_d_) - beta_min_;
    return -0.5 * d_log_alpha / (alpha * (1 - alpha)).sqrt();
  }

 private:
  float beta_d_ = 0.0F;
  float beta_min_ = 0.0F;
};

// The Lagrange polynomial at t that is 1 at nodes[j] and 0 at the others.
at::Tensor lagrange(const std::vector<float>& nodes, std::size_t j, const at::Tensor& t) {
  at::Tensor polynomial = at::ones_like(t);
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    if (k != j) polynomial = polynomial * ((t - nodes[k]) / (nodes[j] - nodes[k]));
  }
  return polynomial;
}

// One coefficient per slope, the newest first, for the step from sigma i.
std::vector<float> coefficients(const Sigmas& sigmas, std::size_t i, std::size_t order) {
  const VpTime time;
  std::vector<float> nodes;
  for (std::size_t k = 0; k < order; ++k)
    nodes.push_back(time.of(sigmas[i - k]));
  const float end = time.of(sigmas[i + 1]);
  const at::Tensor t = at::linspace(nodes[0], end, kPoints, at::kFloat);
  const at::Tensor weight = time.weight(t);
  std::vector<float> found;
  for (std::size_t j = 0; j < order; ++j) {
    const float sum = (weight * lagrange(nodes, j, t)).sum().item<float>();
    found.push_back(sum * ((end - nodes[0]) / static_cast<float>(kPoints)));
  }
  return found;
}

}  // namespace

// DEIS with polynomials in t (tAB; Zhang and Chen 2022, arXiv:2204.13902). The first step and one
// to sigma 0 are Euler's.
at::Tensor sample_deis(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx) {
  History slopes(static_cast<std::size_t>(ctx.options.whole("max_order")));
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    slopes.push(to_d(x, sigmas[i], denoised));
    if (slopes.size() == 1 || sigmas[i + 1] == 0.0F) {
      x = x + (sigmas[i + 1] - sigmas[i]) * slopes[0];
    } else {
      const std::vector<float> c = coefficients(sigmas, i, slopes.size());
      for (std::size_t j = 0; j < slopes.size(); ++j)
        x = x + c[j] * slopes[j];
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
