#include "coordinator/sampling/job_sigmas.hpp"

#include <algorithm>
#include <string>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/schedulers/schedulers.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr int kMaxSteps = 1'000'000;

void check_steps(double steps) {
  if (steps >= 1 && steps <= kMaxSteps) return;
  throw Error(ErrorCode::kOutOfRange,
              "A schedule has 1 to " + std::to_string(kMaxSteps) +
                  " steps (steps / denoise), not " + std::to_string(steps) + ".",
              "", "sampler.steps");
}

Sigmas scheduled_sigmas(const job::Sampler& sampler, int steps,
                        const models::Prediction& prediction) {
  const SamplerRow& row = find_sampler(sampler.name);
  const SchedulerRow& scheduler = find_scheduler(sampler.scheduler);
  if (!row.traits.discards_penultimate_sigma) return scheduler.schedule(prediction, steps);
  Sigmas sigmas = scheduler.schedule(prediction, steps + 1);
  if (sigmas.size() >= 2) sigmas.erase(sigmas.end() - 2);
  return sigmas;
}

// Img2img: the end of a longer schedule.
Sigmas denoise_sigmas(const job::Sampler& sampler, const models::Prediction& prediction) {
  check_steps(sampler.steps);
  if (sampler.denoise > 0.9999) return scheduled_sigmas(sampler, sampler.steps, prediction);
  if (sampler.denoise <= 0.0) return {};
  const double all_steps = sampler.steps / sampler.denoise;
  check_steps(all_steps);
  Sigmas sigmas = scheduled_sigmas(sampler, static_cast<int>(all_steps), prediction);
  const auto kept = std::min(sigmas.size(), static_cast<std::size_t>(sampler.steps) + 1);
  return {sigmas.end() - static_cast<std::ptrdiff_t>(kept), sigmas.end()};
}

void cut_end(Sigmas& sigmas, const job::Sampler& sampler) {
  if (!sampler.end_step) return;
  const auto end = static_cast<std::size_t>(std::max(*sampler.end_step, 0));
  if (end + 1 >= sigmas.size()) return;
  sigmas.resize(end + 1);
  if (!sampler.return_with_leftover_noise) sigmas.back() = 0.0F;
}

void cut_start(Sigmas& sigmas, const job::Sampler& sampler) {
  // Without either key a single given sigma still adds its noise.
  if (sampler.start_step <= 0 && !sampler.end_step) return;
  const auto start = static_cast<std::size_t>(std::max(sampler.start_step, 0));
  if (start + 1 >= sigmas.size()) {
    sigmas.clear();
  } else {
    sigmas.erase(sigmas.begin(), sigmas.begin() + static_cast<std::ptrdiff_t>(start));
  }
}

}  // namespace

Sigmas calculate_job_sigmas(const job::Sampler& sampler, const std::optional<at::Tensor>& given,
                            const models::Prediction& prediction) {
  Sigmas sigmas = given ? to_sigmas(*given, "sampler.sigmas") : denoise_sigmas(sampler, prediction);
  cut_end(sigmas, sampler);
  cut_start(sigmas, sampler);
  return sigmas;
}

}  // namespace tandem::coordinator
