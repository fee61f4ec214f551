// THE list of samplers. A sampler is a function from noise to latent that calls the model; it reads
// like its paper and knows nothing of workers.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/sampling/denoiser.hpp"
#include "coordinator/sampling/noise/noise_generator.hpp"
#include "coordinator/sampling/progress.hpp"
#include "coordinator/sampling/samplers/options.hpp"
#include "coordinator/sampling/sigmas.hpp"
#include "models/prediction/prediction.hpp"
#include "protocol/job/job.hpp"

namespace tandem::coordinator {

// What a sampler has at hand besides model, x and sigmas. Refers to the job's objects, which
// outlive the call.
struct SamplerContext {
  const models::Prediction& prediction;
  const SamplerOptions& options;
  const Sigmas& sigmas;
  NoiseGenerator& noise;         // the sampler's own draws (k-diffusion's default_noise_sampler)
  NoiseGenerator& global_noise;  // s_churn's draws (torch's global generator)
  const OnStep& on_step;         // may be empty

  // To be called once at the end of step i, from 0.
  void report(std::size_t i, const at::Tensor& denoised) const {
    if (!on_step) return;
    on_step({static_cast<int>(i) + 1, static_cast<int>(sigmas.size()) - 1, sigmas[i], denoised});
  }
};

// x: (batch, channels, height, width) float32, noisy at sigmas[0]; sigmas: as calculate_job_sigmas
// gives them, at least 1. Returns x at the last sigma. Throws what denoise and ctx.report throw.
using Sampler = at::Tensor (*)(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                               SamplerContext& ctx);

struct SamplerRow {
  std::string_view name;
  Sampler sample = nullptr;  // null: only its sigmas are known yet
  std::vector<OptionRow> options = {};
  // Its schedule is made for one step more and loses the sigma before the last.
  bool discards_penultimate_sigma = false;
};

// All samplers of ComfyUI, in its order.
std::span<const SamplerRow> samplers();

// The sampler of that name. Throws Error(kOutOfRange) that lists the names there are.
const SamplerRow& find_sampler(std::string_view name);

// Checks names and options of a job's sampler without sampling: throws as find_sampler,
// find_scheduler (unless sigmas are given) and SamplerOptions do. Options of a sampler that only
// lends its sigmas are not looked at.
void validate_sampler(const job::Sampler& sampler);

// k-diffusion's samplers (Katherine Crowson), after the papers named in their files.
at::Tensor sample_euler(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx);
at::Tensor sample_euler_ancestral(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                  SamplerContext& ctx);
at::Tensor sample_ddim(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx);
at::Tensor sample_heun(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas, SamplerContext& ctx);
at::Tensor sample_dpmpp_2m(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                           SamplerContext& ctx);

}  // namespace tandem::coordinator
