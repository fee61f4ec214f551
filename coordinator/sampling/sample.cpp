#include "coordinator/sampling/sample.hpp"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include "coordinator/sampling/guiders/guiders.hpp"
#include "coordinator/sampling/job_sigmas.hpp"
#include "coordinator/sampling/latent.hpp"
#include "coordinator/sampling/model_sampling.hpp"
#include "coordinator/sampling/noise/job_noise.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/units/cond_evaluator.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

void check_runnable(const SampleRequest& request, const SamplerRow& sampler,
                    const GuiderRow& guider) {
  const auto refuse = [](const std::string& what, const char* path) {
    throw Error(ErrorCode::kUnsupported, "This version cannot run " + what + ".", "", path);
  };
  if (sampler.sample == nullptr) {
    refuse("the sampler '" + std::string(sampler.name) + "'", "sampler.name");
  }
  if (guider.lists == nullptr) {
    refuse("the guider '" + std::string(guider.name) + "'", "guider.kind");
  }
  if (request.model.unet_in_channels != request.model.latent.channels) {
    refuse("inpainting models", "model.file");
  }
}

const std::vector<RequestedCond>& conds_of(const SampleRequest& request, ListId list) {
  switch (list) {
    case ListId::kPositive:
      return request.positive;
    case ListId::kNegative:
      return request.negative;
    case ListId::kMiddle:
      break;
  }
  return request.middle;
}

CondList resolve_list(const SampleRequest& request, ListId list,
                      const models::Prediction& prediction, at::IntArrayRef latent_shape) {
  const std::vector<RequestedCond>& requested = conds_of(request, list);
  CondList resolved = {list, {}};
  for (std::size_t i = 0; i < requested.size(); ++i) {
    const std::string path = std::string(name(list)) + "[" + std::to_string(i) + "]";
    resolved.conds.push_back(
        resolve_cond(requested[i], request.model, prediction, latent_shape, path));
  }
  return resolved;
}

// Whether sampling starts from the largest sigma: Python's math.isclose with rel_tol 1e-5, or
// above.
bool starts_from_pure_noise(const models::Prediction& prediction, float sigma) {
  const double largest = prediction.sigma_max();
  const double first = sigma;
  return first > largest || std::abs(largest - first) <= 1e-5 * std::max(largest, first);
}

}  // namespace

at::Tensor sample(const SampleRequest& request, UnitRunner& runner, const OnStep& on_step) {
  const SamplerRow& sampler = find_sampler(request.sampler.name);
  const GuiderRow& guider = find_guider(request.guider.kind);
  check_runnable(request, sampler, guider);
  const SamplerOptions options(sampler.name, sampler.options, request.sampler.options);

  const models::Prediction prediction(apply_sampling(request.model.sigmas, request.sampling));
  const Sigmas sigmas = calculate_job_sigmas(request.sampler, request.sigmas, prediction);
  at::Tensor given = fix_latent(request.latent, request.model.latent);
  if (sigmas.empty()) return given;

  const GuiderSettings settings = {request.sampler.cfg, request.guider};
  std::vector<CondList> lists;
  for (const ListId list : guider.lists(settings)) {
    lists.push_back(resolve_list(request, list, prediction, given.sizes()));
  }
  UnitCondEvaluator evaluator(runner, lists,
                              {request.batching, request.workers, request.device_kind});
  GuidedDenoiser denoise(guider, settings, evaluator);

  JobNoise noise =
      make_job_noise(request.noise, request.noise_tensor, request.sampler.add_noise, given.sizes());
  NoiseGenerator sampler_noise = make_sampler_noise(request.noise);
  SamplerContext context = {prediction, options, sigmas, sampler_noise, noise.rest, on_step};

  at::Tensor x = prediction.noise_scaling(sigmas.front(), noise.starting,
                                          process_latent_in(given, request.model.latent),
                                          starts_from_pure_noise(prediction, sigmas.front()));
  x = sampler.sample(denoise, x, sigmas, context);
  x = prediction.inverse_noise_scaling(sigmas.back(), x);
  return process_latent_out(x, request.model.latent);
}

}  // namespace tandem::coordinator
