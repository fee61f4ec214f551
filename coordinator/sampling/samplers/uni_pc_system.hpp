// What a step of UniPC is computed from (Zhao et al. 2023, arXiv:2302.04867).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace tandem::coordinator {

// A noise level in the scale of a variance preserving process, lambda = log(alpha / std). float,
// like the reference: near sigma 0 the deviation is what rounding leaves of 1 - alpha^2.
struct VpLevel {
  float alpha = 1.0F;
  float std = 0.0F;
  float lambda = 0.0F;
};

// sigma: above 0.
VpLevel vp_level(float sigma);

// B(h): h itself, or exp(h) - 1.
enum class UniPcVariant : std::uint8_t { kBh1, kBh2 };

// The linear system of a step (the paper's equation 8), whose solution weighs the differences of
// the predictions: row p is ratios^p.
class UniPcSystem {
 public:
  // ratios: where in the step the predictions lie, this one last (1); hh: minus its length.
  UniPcSystem(const std::vector<float>& ratios, float hh, UniPcVariant variant);

  float b_h() const { return b_h_; }

  // The weights of the first `count` differences; is_simple: one, which is 1/2 by definition.
  std::vector<float> solve(std::size_t count, bool is_simple) const;

 private:
  float b_h_;
  at::Tensor powers_;  // (order, order)
  at::Tensor values_;  // (order)
};

}  // namespace tandem::coordinator
