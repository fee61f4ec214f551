#include <vector>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {
namespace {

// Adams-Bashforth's coefficients for even steps, the newest slope first.
const std::vector<std::vector<double>> kAdamsBashforth = {
    {1.0},
    {3.0 / 2, -1.0 / 2},
    {23.0 / 12, -16.0 / 12, 5.0 / 12},
    {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24},
};

}  // namespace

// Improved pseudo numerical methods for diffusion models (Liu et al. 2022, arXiv:2202.09778; Zhang
// and Chen 2022, arXiv:2204.13902): steps are taken for even.
at::Tensor sample_ipndm(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                        SamplerContext& ctx) {
  History slopes(static_cast<std::size_t>(ctx.options.whole("max_order")));
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    slopes.push(to_d(x, sigmas[i], denoised));
    if (sigmas[i + 1] == 0.0F) {
      x = denoised;
    } else {
      at::Tensor slope = at::zeros_like(x);
      for (std::size_t j = 0; j < slopes.size(); ++j) {
        slope = slope + kAdamsBashforth[slopes.size() - 1][j] * slopes[j];
      }
      x = x + (sigmas[i + 1] - sigmas[i]) * slope;
    }
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace tandem::coordinator
