#include <vector>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {
namespace {

// The integral over the step of the Lagrange polynomial that is 1 at the point j steps back and 0
// at the order - 1 others; its coefficients are kept in powers of the distance from sigma i.
double linear_multistep_coeff(std::size_t order, const Sigmas& sigmas, std::size_t i,
                              std::size_t j) {
  std::vector<double> polynomial = {1.0};
  for (std::size_t k = 0; k < order; ++k) {
    if (k == j) continue;
    const double root = double{sigmas[i - k]} - sigmas[i];
    const double scale = 1 / (double{sigmas[i - j]} - sigmas[i - k]);
    polynomial.push_back(0.0);
    for (std::size_t n = polynomial.size(); n-- > 0;) {
      const double lower = n > 0 ? polynomial[n - 1] : 0.0;
      polynomial[n] = (lower - root * polynomial[n]) * scale;
    }
  }
  const double h = double{sigmas[i + 1]} - sigmas[i];
  double integral = 0.0;
  for (std::size_t n = polynomial.size(); n-- > 0;) {
    integral = integral * h + polynomial[n] / static_cast<double>(n + 1);
  }
  return integral * h;
}

}  // namespace

// Adams-Bashforth's linear multistep method on the probability flow ODE, for uneven steps.
at::Tensor sample_lms(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx) {
  History slopes(static_cast<std::size_t>(ctx.options.whole("order")));
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    slopes.push(to_d(x, sigmas[i], denoised));
    if (sigmas[i + 1] == 0.0F) {
      x = denoised;
    } else {
      at::Tensor step = at::zeros_like(x);
      for (std::size_t j = 0; j < slopes.size(); ++j) {
        step = step + linear_multistep_coeff(slopes.size(), sigmas, i, j) * slopes[j];
      }
      x = x + step;
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
