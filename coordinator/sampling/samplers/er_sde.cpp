#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/half_log_snr.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"

namespace tandem::coordinator {
namespace {

// The noise of the reverse SDE as a function of lambda = sigma / alpha (Cui et al. 2023, section
// 4.3, with the constants of their code).
float noise_scale(float lambda) {
  constexpr float kPower = 0.3F;
  constexpr float kOffset = 10.0F;
  return lambda * (std::exp(std::pow(lambda, kPower)) + kOffset);
}

// Riemann sums over a step of 1 / noise_scale, and of (lambda - from) / noise_scale.
struct Integrals {
  float plain = 0.0F;
  float linear = 0.0F;
};

Integrals integrate(float from, float to) {
  constexpr int kPoints = 200;
  const float width = (from - to) / kPoints;
  double plain = 0.0;
  double linear = 0.0;
  for (int k = 0; k < kPoints; ++k) {
    const float lambda = to + static_cast<float>(k) * width;
    plain += 1 / noise_scale(lambda);
    linear += (lambda - from) / noise_scale(lambda);
  }
  return {static_cast<float>(plain) * width, static_cast<float>(linear) * width};
}

// A step between two levels, as shares of x and of the image.
struct Step {
  Step(const Sigmas& sigmas, const std::vector<float>& lambdas, std::size_t i)
      : lambda(lambdas[i]),
        next(lambdas[i + 1]),
        alpha(sigmas[i] / lambda),
        alpha_next(sigmas[i + 1] / next),
        keep(noise_scale(next) / noise_scale(lambda)) {}

  at::Tensor first_order(const at::Tensor& x, const at::Tensor& denoised) const {
    return alpha_next / alpha * keep * x + alpha_next * (1 - keep) * denoised;
  }
  float missing_noise() const {
    const float missing = std::sqrt(next * next - lambda * lambda * keep * keep);
    return std::isnan(missing) ? 0.0F : alpha_next * missing;
  }

  float lambda, next, alpha, alpha_next, keep;
};

// The predictions of the last steps and how they changed; undefined where there are none yet.
struct Past {
  at::Tensor denoised;
  at::Tensor derivative;
  float lambda = 0.0F;         // of the last step
  float lambda_before = 0.0F;  // of the one before it
};

// What the orders above the first, up to `order`, add to x. Moves past on.
at::Tensor higher_orders(const Step& step, const at::Tensor& denoised, std::int64_t order,
                         Past& past) {
  at::Tensor sum = at::zeros_like(denoised);
  if (order >= 2 && past.denoised.defined()) {
    const float dt = step.next - step.lambda;
    const Integrals s = integrate(step.lambda, step.next);
    const at::Tensor derivative = (denoised - past.denoised) / (step.lambda - past.lambda);
    sum = (dt + s.plain * noise_scale(step.next)) * derivative;
    if (order >= 3 && past.derivative.defined()) {
      const at::Tensor second =
          (derivative - past.derivative) / ((step.lambda - past.lambda_before) / 2);
      sum = sum + (dt * dt / 2 + s.linear * noise_scale(step.next)) * second;
    }
    past.derivative = derivative;
  }
  past.denoised = denoised;
  past.lambda_before = std::exchange(past.lambda, step.lambda);
  return step.alpha_next * sum;
}

std::vector<float> to_lambdas(const Sigmas& sigmas, const models::Prediction& prediction) {
  std::vector<float> lambdas;
  for (const float sigma : sigmas)
    lambdas.push_back(std::exp(-to_half_log_snr(prediction, sigma)));
  return lambdas;
}

}  // namespace

// Extended reverse-time SDE solver, of order up to 3 (Cui et al. 2023, arXiv:2309.06169).
at::Tensor sample_er_sde(Denoiser& denoise, at::Tensor x, const Sigmas& given,
                         SamplerContext& ctx) {
  const double s_noise = ctx.options.number("s_noise");
  const std::int64_t order = ctx.options.whole("max_stage");
  const Sigmas sigmas = offset_first_sigma(given, ctx.prediction);
  const std::vector<float> lambdas = to_lambdas(sigmas, ctx.prediction);
  Past past;
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    if (sigmas[i + 1] == 0.0F) {
      x = denoised;
    } else {
      const Step step(sigmas, lambdas, i);
      x = step.first_order(x, denoised) + higher_orders(step, denoised, order, past);
      if (s_noise > 0.0) {
        x = x + ctx.noise.draw(x.sizes()) * s_noise * step.missing_noise();
      }
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
