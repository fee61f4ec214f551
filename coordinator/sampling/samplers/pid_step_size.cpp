#include "coordinator/sampling/samplers/pid_step_size.hpp"

#include <cmath>

namespace tandem::coordinator {

PidStepSize::PidStepSize(const SamplerOptions& options, double h, double order)
    : h_(h), accept_safety_(options.number("accept_safety")) {
  const double p = options.number("pcoeff");
  const double i = options.number("icoeff");
  const double d = options.number("dcoeff");
  powers_ = {(p + i + d) / order, -(p + 2 * d) / order, d / order};
}

bool PidStepSize::propose(double error) {
  constexpr double kNoError = 1e-8;
  const double inverse = 1 / (error + kNoError);
  if (!has_inverses_) inverses_ = {inverse, inverse, inverse};
  has_inverses_ = true;
  inverses_[0] = inverse;
  double factor = 1.0;
  for (std::size_t k = 0; k < powers_.size(); ++k)
    factor *= std::pow(inverses_[k], powers_[k]);
  factor = 1 + std::atan(factor - 1);
  const bool accepts = factor >= accept_safety_;
  if (accepts) inverses_ = {inverse, inverse, inverses_[1]};
  h_ *= factor;
  return accepts;
}

}  // namespace tandem::coordinator
