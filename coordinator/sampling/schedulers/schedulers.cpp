#include "coordinator/sampling/schedulers/schedulers.hpp"

#include <array>
#include <string>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::array kSchedulers = {
    SchedulerRow{"simple", simple_schedule},
    SchedulerRow{"sgm_uniform", sgm_uniform_schedule},
    SchedulerRow{"karras", karras_schedule},
    SchedulerRow{"exponential", exponential_schedule},
    SchedulerRow{"ddim_uniform", ddim_uniform_schedule},
    SchedulerRow{"beta", beta_schedule},
    SchedulerRow{"normal", normal_schedule},
    SchedulerRow{"linear_quadratic", linear_quadratic_schedule},
    SchedulerRow{"kl_optimal", kl_optimal_schedule},
};

}  // namespace

std::span<const SchedulerRow> schedulers() {
  return kSchedulers;
}

const SchedulerRow& find_scheduler(std::string_view name) {
  std::string names;
  for (const SchedulerRow& row : kSchedulers) {
    if (row.name == name) return row;
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  throw Error(ErrorCode::kOutOfRange, "There is no scheduler '" + std::string(name) + "'.",
              "Schedulers are " + names + ".", "sampler.scheduler");
}

}  // namespace tandem::coordinator
