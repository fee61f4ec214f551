#include "coordinator/sampling/samplers/stochastic_adams.hpp"

#include <cmath>
#include <cstdint>

#include <ATen/ATen.h>

namespace tandem::coordinator {
namespace {

// (1 + tau^2) * integral over the step of exp((1 + tau^2) * x) * x^p, for each p below order,
// without the factor exp((1 + tau^2) * lambda_next). Integrated by parts: what is taken off term p
// is p / (1 + tau^2) times term p - 1.
at::Tensor exponential_integrals(const AdamsStep& step, std::size_t order) {
  const double rate = 1 + step.tau * step.tau;
  const double faded = std::exp(-rate * (step.lambda_next - step.lambda));
  std::vector<float> terms;
  double term = 0.0;
  for (std::size_t p = 0; p < order; ++p) {
    const auto power = static_cast<double>(p);
    term = std::pow(step.lambda_next, power) - std::pow(step.lambda, power) * faded -
           power / rate * term;
    terms.push_back(static_cast<float>(term));
  }
  return at::tensor(terms, at::kFloat);
}

}  // namespace

std::vector<float> stochastic_adams(const AdamsStep& step, std::span<const float> lambdas) {
  const auto order = static_cast<std::int64_t>(lambdas.size());
  const at::Tensor points = at::tensor(at::ArrayRef<float>(lambdas.data(), lambdas.size()));
  const at::Tensor powers = points.unsqueeze(0).pow(at::arange(order).unsqueeze(1));
  const at::Tensor solved =
      at::linalg_solve(powers, exponential_integrals(step, lambdas.size())) * step.alpha_next;
  const float* const data = solved.const_data_ptr<float>();
  return {data, data + order};
}

std::vector<float> simple_stochastic_adams(const AdamsStep& step, std::span<const float> lambdas,
                                           bool is_corrector) {
  const auto rate = static_cast<float>(1 + step.tau * step.tau);
  const float h = step.lambda_next - step.lambda;
  const float whole = -step.alpha_next * std::expm1(-h * rate);
  if (is_corrector) {
    const float newest = step.alpha_next * (0.5F * rate * h);
    return {whole - newest, newest};
  }
  const float oldest = step.alpha_next * (0.5F * rate * h * h) / (lambdas[0] - step.lambda);
  return {oldest, whole - oldest};
}

}  // namespace tandem::coordinator
