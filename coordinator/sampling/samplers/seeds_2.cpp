#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/half_log_snr.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/seeds_step.hpp"

namespace tandem::coordinator {
namespace {

struct Settings {
  double eta;
  double s_noise;
  double r;
  bool is_phi_2;
};

at::Tensor sample_with(Denoiser& denoise, at::Tensor x, const Sigmas& given, SamplerContext& ctx,
                       const Settings& settings) {
  const double r = settings.r;
  const Sigmas sigmas = offset_first_sigma(given, ctx.prediction);
  for (std::size_t i = 0; i + 1 < sigmas.size(); ++i) {
    const at::Tensor denoised = denoise(x, sigmas[i]);
    if (sigmas[i + 1] == 0.0F) {
      x = denoised;
    } else {
      SeedsStep step(ctx, x, sigmas[i], sigmas[i + 1], settings.eta, settings.s_noise);
      const at::Tensor x_2 = step.x_at(r, step.phi_1(r) * denoised);
      const at::Tensor denoised_2 = denoise(x_2, step.sigma_at(r));
      const auto share = static_cast<float>(settings.is_phi_2 ? 1 / r : 1 / (2 * r));
      const float b_2 = share * (settings.is_phi_2 ? step.phi_2(1) : step.phi_1(1));
      const float b_1 = step.phi_1(1) - b_2;
      x = step.x_at(1, b_1 * denoised + b_2 * denoised_2);
    }
    ctx.report(i, denoised);
  }
  return x;
}

bool is_phi_2(const SamplerContext& ctx) {
  return ctx.options.text("solver_type") == "phi_2";
}

}  // namespace

// SEEDS-2 (Gonzalez et al. 2023, arXiv:2305.14267): two predictions a step.
at::Tensor sample_seeds_2(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                          SamplerContext& ctx) {
  return sample_with(denoise, std::move(x), sigmas, ctx,
                     {ctx.options.number("eta"), ctx.options.number("s_noise"),
                      ctx.options.number("r"), is_phi_2(ctx)});
}

// The second prediction at the end of the step makes it an exponential Heun method.
at::Tensor sample_exp_heun_2_x0(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                SamplerContext& ctx) {
  return sample_with(denoise, std::move(x), sigmas, ctx, {0.0, 0.0, 1.0, is_phi_2(ctx)});
}

at::Tensor sample_exp_heun_2_x0_sde(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                    SamplerContext& ctx) {
  return sample_with(
      denoise, std::move(x), sigmas, ctx,
      {ctx.options.number("eta"), ctx.options.number("s_noise"), 1.0, is_phi_2(ctx)});
}

}  // namespace tandem::coordinator
