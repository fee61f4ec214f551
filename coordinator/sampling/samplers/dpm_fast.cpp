#include <cstdint>
#include <vector>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/dpm_solver.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"

namespace tandem::coordinator {
namespace {

// Steps of third order, and one or two lower ones, that evaluate the model `evaluations` times.
std::vector<int> orders_of(std::size_t evaluations) {
  constexpr std::size_t kOrder = 3;
  const auto rest = static_cast<int>(evaluations % kOrder);
  const std::size_t steps = evaluations / kOrder + 1;
  std::vector<int> orders(rest == 0 ? steps - 2 : steps - 1, static_cast<int>(kOrder));
  if (rest == 0) {
    orders.insert(orders.end(), {2, 1});
  } else {
    orders.push_back(rest);
  }
  return orders;
}

at::Tensor take(DpmStep& step, int order) {
  if (order == 1) return step.first_order();
  return order == 2 ? step.second_order() : step.third_order();
}

}  // namespace

// DPM-Solver-fast (Lu et al. 2022, arXiv:2206.00927): as many evaluations as there are steps, in
// fewer steps of its own, evenly spaced in log sigma.
at::Tensor sample_dpm_fast(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                           SamplerContext& ctx) {
  if (sigmas.size() < 2) return x;
  const std::vector<int> orders = orders_of(sigmas.size() - 1);
  const auto [t_start, t_end] = dpm_range(sigmas);
  const at::Tensor ts =
      at::linspace(t_start, t_end, static_cast<std::int64_t>(orders.size()) + 1, at::kFloat);
  const float* const t = ts.const_data_ptr<float>();
  for (std::size_t i = 0; i < orders.size(); ++i) {
    DpmStep step(denoise, x, t[i], t[i + 1]);
    x = take(step, orders[i]);
    ctx.report(i, orders.size(), dpm_sigma(t[i]), step.denoised());
  }
  return x;
}

}  // namespace tandem::coordinator
