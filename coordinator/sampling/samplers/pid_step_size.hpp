// How long the next step of an adaptive solver is.
#pragma once

#include <array>

#include "coordinator/sampling/samplers/options.hpp"

namespace tandem::coordinator {

// k-diffusion's PIDStepSizeController: a PID controller over the logarithms of the last errors.
class PidStepSize {
 public:
  // options: pcoeff, icoeff, dcoeff and accept_safety; h: the first step's size; order: the
  // solver's.
  PidStepSize(const SamplerOptions& options, double h, double order);

  double h() const { return h_; }

  // Whether a step of that error is taken; sets the size of the next one.
  bool propose(double error);

 private:
  double h_;
  double accept_safety_;
  std::array<double, 3> powers_{};
  std::array<double, 3> inverses_{};  // of the errors: now, the last step taken, the one before
  bool has_inverses_ = false;
};

}  // namespace tandem::coordinator
