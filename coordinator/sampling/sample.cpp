#include "coordinator/sampling/sample.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/conditioning/job_conds.hpp"
#include "coordinator/sampling/guiders/guiders.hpp"
#include "coordinator/sampling/job_sigmas.hpp"
#include "coordinator/sampling/latent.hpp"
#include "coordinator/sampling/model_sampling.hpp"
#include "coordinator/sampling/noise/job_noise.hpp"
#include "coordinator/sampling/noise_mask.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/units/cond_evaluator.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

// Of the lists that the guider was given, those that it evaluates.
std::vector<CondList> evaluated_lists(std::vector<CondList> given,
                                      const std::vector<ListId>& evaluated) {
  std::erase_if(given, [&](const CondList& list) {
    return std::find(evaluated.begin(), evaluated.end(), list.list) == evaluated.end();
  });
  return given;
}

// Whether sampling starts from the largest sigma: Python's math.isclose with rel_tol 1e-5, or
// above.
bool starts_from_pure_noise(const models::Prediction& prediction, float sigma) {
  const double largest = prediction.sigma_max();
  const double first = sigma;
  return first > largest || std::abs(largest - first) <= 1e-5 * std::max(largest, first);
}

// The noise that a mask's kept part is brought to a sigma with.
at::Tensor masked_noise(const SampleRequest& request, const SamplerRow& sampler,
                        const JobNoise& noise) {
  if (!sampler.traits.renoises_masked) return noise.starting;
  return make_masked_noise(request.noise, noise.starting.sizes());
}

BatchingPolicy batching_policy(const SampleRequest& request,
                               const std::optional<WindowSplitter>& windows, float first_sigma,
                               std::int64_t items) {
  BatchingPolicy policy;
  policy.batching = request.batching;
  policy.workers = request.workers;
  policy.device_kind = request.device_kind;
  policy.split_batch = request.split_batch;
  count_parts(policy, items, windows, first_sigma);
  return policy;
}

}  // namespace

at::Tensor sample(const SampleRequest& request, UnitRunner& runner, const OnStep& on_step) {
  const SamplerRow& sampler = find_sampler(request.sampler.name);
  const SamplerOptions options(sampler.name, sampler.options, request.sampler.options);
  const models::Prediction prediction(
      apply_sampling(request.model.sigmas, request.sampling, request.motion));
  const Sigmas sigmas =
      final_sigmas(sampler, calculate_job_sigmas(request.sampler, request.sigmas, prediction));
  at::Tensor given = fix_latent(request.latent, request.model.latent);
  if (sigmas.empty()) return given;
  const at::Tensor latent = process_latent_in(given, request.model.latent);
  JobNoise noise =
      make_job_noise(request.noise, request.noise_tensor, request.sampler.add_noise, given.sizes());

  const GuiderRow& guider = find_guider(request.guider.kind);
  const GuiderSettings settings = {request.sampler.cfg, request.guider, sampler.traits.uses_uncond};
  const std::vector<CondList> lists =
      evaluated_lists(resolve_job_conds(request, prediction, latent), guider.lists(settings));
  auto windows = make_window_splitter(request.context, sigmas, given.sizes());
  const BatchingPolicy policy = batching_policy(request, windows, sigmas.front(), given.size(0));
  UnitCondEvaluator evaluator(runner, lists, policy,
                              HookSchedule(request.hooks, prediction, sigmas), std::move(windows));
  GuidedDenoiser guided(guider, settings, evaluator);
  std::optional<MaskedDenoiser> masked;
  if (request.noise_mask) {
    masked.emplace(guided, prediction, prepare_noise_mask(*request.noise_mask, given.sizes()),
                   latent, masked_noise(request, sampler, noise));
  }
  Denoiser& denoise = masked ? static_cast<Denoiser&>(*masked) : guided;

  const NoiseSource source = sampler_noise_source(request.noise, request.device_kind);
  NoiseGenerator own = make_sampler_noise(request.noise, source);
  // There torch's global generator is one per device, and the starting noise took none of CUDA's.
  if (source == NoiseSource::kCuda) noise.rest = NoiseGenerator(request.noise.seed, source);
  SamplerContext context = {
      prediction, options, sigmas, own, noise.rest, brownian_seed(request.noise), on_step};
  at::Tensor x = prediction.noise_scaling(sigmas.front(), noise.starting, latent,
                                          starts_from_pure_noise(prediction, sigmas.front()));
  x = sampler.sample(denoise, x, sigmas, context);
  x = prediction.inverse_noise_scaling(sigmas.back(), x);
  return process_latent_out(x, request.model.latent);
}

}  // namespace tandem::coordinator
