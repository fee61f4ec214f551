// Coefficients of SA-Solver, the stochastic Adams method (Xue et al. 2023, arXiv:2309.05019,
// equations 15 and 18), predicting the data.
#pragma once

#include <span>
#include <vector>

namespace tandem::coordinator {

// A step in lambda = log(alpha / sigma).
struct AdamsStep {
  float lambda = 0.0F;
  float lambda_next = 0.0F;
  float alpha_next = 0.0F;
  double tau = 0.0;  // how stochastic: 0 is the ODE
};

// What each of the predictions at lambdas (oldest first, at least one) adds to x: alpha times the
// integral over the step of its Lagrange polynomial, weighted by the exponential.
std::vector<float> stochastic_adams(const AdamsStep& step, std::span<const float> lambdas);

// The paper's simplified coefficients of order 2 (appendix D), for two predictions.
std::vector<float> simple_stochastic_adams(const AdamsStep& step, std::span<const float> lambdas,
                                           bool is_corrector);

}  // namespace tandem::coordinator
