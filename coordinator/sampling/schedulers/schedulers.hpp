// Which noise levels a number of steps visits: one function per scheduler of ComfyUI.
#pragma once

#include <span>
#include <string_view>

#include "coordinator/sampling/sigmas.hpp"
#include "models/prediction/prediction.hpp"

namespace tandem::coordinator {

// steps is at least 1. Returns sigmas that end in 0; most give steps + 1 of them, ddim_uniform and
// beta may give another number.
using Scheduler = Sigmas (*)(const models::Prediction& prediction, int steps);

struct SchedulerRow {
  std::string_view name;
  Scheduler schedule;
};

// All schedulers, in ComfyUI's order.
std::span<const SchedulerRow> schedulers();

// The scheduler of that name. Throws Error(kOutOfRange) that lists the names there are.
const SchedulerRow& find_scheduler(std::string_view name);

// Every timestep of 1 to the table's length, evenly picked from the top.
Sigmas simple_schedule(const models::Prediction& prediction, int steps);
// Timesteps evenly spaced from the largest sigma's to the smallest's, both included.
Sigmas normal_schedule(const models::Prediction& prediction, int steps);
// The same, spaced for one step more and without its last (Stability's generative-models).
Sigmas sgm_uniform_schedule(const models::Prediction& prediction, int steps);
// Every n-th entry of the table, from its second (Song et al. 2020).
Sigmas ddim_uniform_schedule(const models::Prediction& prediction, int steps);
// Karras et al. 2022, equation 5, rho 7.
Sigmas karras_schedule(const models::Prediction& prediction, int steps);
// Evenly spaced in log sigma.
Sigmas exponential_schedule(const models::Prediction& prediction, int steps);
// Timesteps at the quantiles of a beta distribution with a = b = 0.6 (Lee et al. 2024,
// arXiv:2407.12173). Timesteps that round to the same one are visited once.
Sigmas beta_schedule(const models::Prediction& prediction, int steps);
// Mochi's: small linear steps at first, then a quadratic descent.
Sigmas linear_quadratic_schedule(const models::Prediction& prediction, int steps);
// Align Your Steps' closed form (Sabour et al. 2024, theorem 3.1): evenly spaced in atan(sigma).
// Throws Error(kOutOfRange) for a single step, for which it is not defined.
Sigmas kl_optimal_schedule(const models::Prediction& prediction, int steps);

}  // namespace tandem::coordinator
