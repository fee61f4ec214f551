// The sigmas of a model, from the betas of its training.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "protocol/model_info.hpp"

namespace tandem::models {

// Ascending sigmas and their logarithms, (timesteps) float32 on the CPU. Distilled models (lcm)
// know every skip-th timestep only: entry i stands for timestep i * skip + skip - 1.
struct SigmaTable {
  at::Tensor sigmas;
  at::Tensor log_sigmas;
  std::int64_t skip = 1;
};

// sigma at t of 0 to 1 under rectified flow with a shift: shift * t / (1 + (shift - 1) * t)
// (Esser et al. 2024, section 5.3.2).
at::Tensor shift_flow_time(double shift, const at::Tensor& t);
double shift_flow_time(double shift, double t);

// The table of a parameterization. Discrete ones: betas linear in their square root, or themselves,
// from linear_start to linear_end, in float64; with zsnr rescaled to no signal at the end (Lin et
// al. 2023, algorithm 1); lcm keeps 50 of the timesteps. Throws Error(kOutOfRange) for timesteps
// outside 50 to 1000000, betas outside (0, 1), and a shift or multiplier that is not positive.
SigmaTable make_sigma_table(const SigmaParameters& parameters);

}  // namespace tandem::models
