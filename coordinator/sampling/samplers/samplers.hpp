// THE list of samplers. A sampler is a function from noise to latent that calls the model; it reads
// like its paper and knows nothing of workers.
#pragma once

#include <cstddef>
#include <cstdint>
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
  std::uint64_t brownian_seed;   // of the path that SDE samplers draw from
  const OnStep& on_step;         // may be empty

  // To be called once at the end of step i, from 0.
  void report(std::size_t i, const at::Tensor& denoised) const {
    report(i, sigmas.size() - 1, sigmas[i], denoised);
  }
  // The same of a sampler that makes other steps than the sigmas say.
  void report(std::size_t i, std::size_t total, float sigma, const at::Tensor& denoised) const {
    if (on_step) on_step({static_cast<int>(i) + 1, static_cast<int>(total), sigma, denoised});
  }
};

// x: (batch, channels, height, width) float32, noisy at sigmas[0]; sigmas: as final_sigmas gives
// them, at least 1. Returns x at the last sigma. Throws what denoise and ctx.report throw.
using Sampler = at::Tensor(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                           SamplerContext& ctx);

// How a sampling is prepared for a sampler.
struct SamplerTraits {
  // Its schedule is made for one step more and loses the sigma before the last.
  bool discards_penultimate_sigma = false;
  // CFG++: the negative list is evaluated even where guidance would not need it.
  bool uses_uncond = false;
  // A noise mask's kept part gets noise of its own (seed + 1).
  bool renoises_masked = false;
  // What a last sigma of 0 becomes.
  float last_sigma = 0.0F;
};

struct SamplerRow {
  std::string_view name;
  Sampler* sample;
  std::vector<OptionRow> options = {};
  SamplerTraits traits = {};
};

// All samplers of ComfyUI, in its order.
std::span<const SamplerRow> samplers();

// The sampler of that name. Throws Error(kOutOfRange) that lists the names there are.
const SamplerRow& find_sampler(std::string_view name);

// Checks names and options of a job's sampler without sampling: throws as find_sampler,
// find_scheduler (unless sigmas are given) and SamplerOptions do.
void validate_sampler(const job::Sampler& sampler);

// The sigmas of a job as that sampler takes them.
Sigmas final_sigmas(const SamplerRow& row, Sigmas sigmas);

// k-diffusion's samplers (Katherine Crowson) and ComfyUI's, after the papers named in their files.
Sampler sample_ddim;
Sampler sample_ddpm;
Sampler sample_deis;
Sampler sample_dpm_2;
Sampler sample_dpm_2_ancestral;
Sampler sample_dpm_adaptive;
Sampler sample_dpm_fast;
Sampler sample_dpmpp_2m;
Sampler sample_dpmpp_2m_cfg_pp;
Sampler sample_dpmpp_2m_sde;
Sampler sample_dpmpp_2s_ancestral;
Sampler sample_dpmpp_2s_ancestral_cfg_pp;
Sampler sample_dpmpp_3m_sde;
Sampler sample_dpmpp_sde;
Sampler sample_er_sde;
Sampler sample_euler;
Sampler sample_euler_ancestral;
Sampler sample_euler_ancestral_cfg_pp;
Sampler sample_euler_cfg_pp;
Sampler sample_exp_heun_2_x0;
Sampler sample_exp_heun_2_x0_sde;
Sampler sample_gradient_estimation;
Sampler sample_gradient_estimation_cfg_pp;
Sampler sample_heun;
Sampler sample_heunpp2;
Sampler sample_ipndm;
Sampler sample_ipndm_v;
Sampler sample_lcm;
Sampler sample_lms;
Sampler sample_res_multistep;
Sampler sample_res_multistep_ancestral;
Sampler sample_res_multistep_ancestral_cfg_pp;
Sampler sample_res_multistep_cfg_pp;
Sampler sample_sa_solver;
Sampler sample_sa_solver_pece;
Sampler sample_seeds_2;
Sampler sample_seeds_3;
Sampler sample_uni_pc;
Sampler sample_uni_pc_bh2;

}  // namespace tandem::coordinator
