#include "coordinator/sampling/samplers/uni_pc_system.hpp"

#include <cmath>

#include <ATen/ATen.h>

namespace tandem::coordinator {

VpLevel vp_level(float sigma) {
  const float log_alpha = 0.5F * std::log(1 / (sigma * sigma + 1));
  const float variance = 1 - std::exp(2 * log_alpha);
  return {std::exp(log_alpha), std::sqrt(variance), log_alpha - 0.5F * std::log(variance)};
}

UniPcSystem::UniPcSystem(const std::vector<float>& ratios, float hh, UniPcVariant variant)
    : b_h_(variant == UniPcVariant::kBh1 ? hh : std::expm1(hh)) {
  const auto order = static_cast<std::int64_t>(ratios.size());
  powers_ = at::tensor(ratios, at::kFloat).unsqueeze(0).pow(at::arange(order).unsqueeze(1));
  std::vector<float> values;
  float h_phi = std::expm1(hh) / hh - 1;
  float factorial = 1.0F;
  for (std::int64_t i = 1; i <= order; ++i) {
    values.push_back(h_phi * factorial / b_h_);
    factorial *= static_cast<float>(i + 1);
    h_phi = h_phi / hh - 1 / factorial;
  }
  values_ = at::tensor(values, at::kFloat);
}

std::vector<float> UniPcSystem::solve(std::size_t count, bool is_simple) const {
  if (count == 0) return {};
  if (is_simple) return {0.5F};
  const auto size = static_cast<std::int64_t>(count);
  const at::Tensor solved =
      at::linalg_solve(powers_.slice(0, 0, size).slice(1, 0, size), values_.slice(0, 0, size));
  const float* const data = solved.const_data_ptr<float>();
  return {data, data + count};
}

}  // namespace tandem::coordinator
