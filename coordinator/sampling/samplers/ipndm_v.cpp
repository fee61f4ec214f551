#include <vector>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {
namespace {

// Adams-Bashforth's coefficients for uneven steps, the newest slope first; h holds the lengths of
// this step and the ones before it. Written as in zju-pi's diff-sampler, whose weights of the
// corrections at orders 3 and 4 are part of its numbers.
std::vector<float> coefficients(const std::vector<float>& h) {
  const std::size_t order = h.size();
  if (order == 1) return {1.0F};
  const float r_1 = h[0] / h[1];
  std::vector<float> c = {(2 + r_1) / 2, -r_1 / 2};
  if (order == 2) return c;

  const float r_2 = h[1] / h[2];
  const float third = h[0] / (3 * (h[0] + h[1]));
  const float u = (1 - third * (h[0] * (h[0] + h[1])) / (h[1] * (h[1] + h[2]))) / 2;
  c[0] += u;
  c[1] -= (1 + r_2) * u;
  c.push_back(u * r_2);
  if (order == 3) return c;

  const float r_3 = h[2] / h[3];
  const float q = h[1] * (h[1] + h[2]) / (h[2] * (h[2] + h[3]));
  const float v =
      ((1 - third) / 2 + (1 - h[0] / (2 * (h[0] + h[1]))) * h[0] / (6 * (h[0] + h[1] + h[2]))) *
      (h[0] * (h[0] + h[1]) * (h[0] + h[1] + h[2])) / (h[1] * (h[1] + h[2]) * (h[1] + h[2] + h[3]));
  c[0] += v;
  c[1] -= (1 + r_2 + q) * v;
  c[2] += (r_2 + q * (1 + r_3)) * v;
  c.push_back(-v * q * r_2);
  return c;
}

std::vector<float> lengths(const Sigmas& sigmas, std::size_t i, std::size_t order) {
  std::vector<float> h;
  for (std::size_t k = 0; k < order; ++k)
    h.push_back(sigmas[i - k + 1] - sigmas[i - k]);
  return h;
}

}  // namespace

// ipndm that knows the lengths of its steps.
at::Tensor sample_ipndm_v(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                          SamplerContext& ctx) {
  History slopes(static_cast<std::size_t>(ctx.options.whole("max_order")));
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    slopes.push(to_d(x, sigmas[i], denoised));
    if (sigmas[i + 1] == 0.0F) {
      x = denoised;
    } else {
      const std::vector<float> c = coefficients(lengths(sigmas, i, slopes.size()));
      at::Tensor slope = at::zeros_like(x);
      for (std::size_t j = 0; j < slopes.size(); ++j)
        slope = slope + c[j] * slopes[j];
      x = x + (sigmas[i + 1] - sigmas[i]) * slope;
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
