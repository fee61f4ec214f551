#include <cmath>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"

namespace tandem::coordinator {
namespace {

struct Settings {
  double eta;
  double s_noise;
  bool cfg_pp;
};

// The length of a step in -log(sigma).
float log_step(float from, float to) {
  return std::log(from) - std::log(to);
}

// The step of second order and length h, from this prediction and the last; c_2 * h is how far the
// last one lies back.
at::Tensor second_order(const at::Tensor& x, const at::Tensor& denoised,
                        const at::Tensor& old_denoised, float h, float c_2) {
  const float phi_1 = std::expm1(-h) / -h;
  const float phi_2 = (phi_1 - 1) / -h;
  const float b_2 = phi_2 / c_2;
  const float b_1 = phi_1 - b_2;
  const auto number = [](float b) { return std::isnan(b) ? 0.0F : b; };
  return std::exp(-h) * x + h * (number(b_1) * denoised + number(b_2) * old_denoised);
}

at::Tensor sample_with(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx,
                       const Settings& settings) {
  at::Tensor old_source;
  float old_sigma_down = 0.0F;
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const auto [denoised, uncond] = denoise.predict(x, sigmas[i]);
    // CFG++: moved to the guided image, x goes on along the unconditional slope.
    if (settings.cfg_pp) x = x + (denoised - uncond);
    const at::Tensor& source = settings.cfg_pp ? uncond : denoised;
    const AncestralStep step = get_ancestral_step(sigmas[i], sigmas[i + 1], settings.eta);
    if (step.sigma_down == 0.0F || !old_source.defined()) {
      x = x + to_d(x, sigmas[i], denoised) * (step.sigma_down - sigmas[i]);
    } else {
      const float h = log_step(sigmas[i], step.sigma_down);
      const float c_2 = -log_step(sigmas[i - 1], old_sigma_down) / h;
      x = second_order(x, source, old_source, h, c_2);
    }
    if (sigmas[i + 1] > 0.0F) x = renoise(x, step, settings.s_noise, ctx.noise);
    old_source = source;
    old_sigma_down = step.sigma_down;
    ctx.report(i, denoised);
  }
  return x;
}

}  // namespace

// The refined exponential solver (Zhang et al. 2023, arXiv:2308.02157) as a multistep method of
// second order.
at::Tensor sample_res_multistep(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                SamplerContext& ctx) {
  return sample_with(denoise, std::move(x), sigmas, ctx,
                     {0.0, ctx.options.number("s_noise"), false});
}

at::Tensor sample_res_multistep_cfg_pp(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                       SamplerContext& ctx) {
  return sample_with(denoise, std::move(x), sigmas, ctx,
                     {0.0, ctx.options.number("s_noise"), true});
}

at::Tensor sample_res_multistep_ancestral(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                          SamplerContext& ctx) {
  return sample_with(denoise, std::move(x), sigmas, ctx,
                     {ctx.options.number("eta"), ctx.options.number("s_noise"), false});
}

at::Tensor sample_res_multistep_ancestral_cfg_pp(Denoiser& denoise, at::Tensor x,
                                                 const Sigmas& sigmas, SamplerContext& ctx) {
  return sample_with(denoise, std::move(x), sigmas, ctx,
                     {ctx.options.number("eta"), ctx.options.number("s_noise"), true});
}

}  // namespace tandem::coordinator
