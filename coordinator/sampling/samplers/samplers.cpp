#include "coordinator/sampling/samplers/samplers.hpp"

#include <limits>
#include <string>

#include "coordinator/sampling/schedulers/schedulers.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

// Karras et al. 2022, algorithm 2: noise added back before a step.
std::vector<OptionRow> churn_options() {
  return {{"s_churn", 0.0},
          {"s_tmin", 0.0},
          {"s_tmax", std::numeric_limits<double>::infinity()},
          {"s_noise", 1.0}};
}

std::vector<OptionRow> ancestral_options() {
  return {{"eta", 1.0}, {"s_noise", 1.0}};
}

SamplerRow only_sigmas(std::string_view name) {
  return {.name = name};
}

SamplerRow only_sigmas_without_penultimate(std::string_view name) {
  return {.name = name, .discards_penultimate_sigma = true};
}

std::vector<SamplerRow> make_samplers() {
  return {
      {"euler", sample_euler, churn_options()},
      only_sigmas("euler_cfg_pp"),
      {"euler_ancestral", sample_euler_ancestral, ancestral_options()},
      only_sigmas("euler_ancestral_cfg_pp"),
      {"heun", sample_heun, churn_options()},
      only_sigmas("heunpp2"),
      only_sigmas("exp_heun_2_x0"),
      only_sigmas("exp_heun_2_x0_sde"),
      only_sigmas_without_penultimate("dpm_2"),
      only_sigmas_without_penultimate("dpm_2_ancestral"),
      only_sigmas("lms"),
      only_sigmas("dpm_fast"),
      only_sigmas("dpm_adaptive"),
      only_sigmas("dpmpp_2s_ancestral"),
      only_sigmas("dpmpp_2s_ancestral_cfg_pp"),
      only_sigmas("dpmpp_sde"),
      only_sigmas("dpmpp_sde_gpu"),
      {"dpmpp_2m", sample_dpmpp_2m},
      only_sigmas("dpmpp_2m_cfg_pp"),
      only_sigmas("dpmpp_2m_sde"),
      only_sigmas("dpmpp_2m_sde_gpu"),
      only_sigmas("dpmpp_2m_sde_heun"),
      only_sigmas("dpmpp_2m_sde_heun_gpu"),
      only_sigmas("dpmpp_3m_sde"),
      only_sigmas("dpmpp_3m_sde_gpu"),
      only_sigmas("ddpm"),
      only_sigmas("lcm"),
      only_sigmas("ipndm"),
      only_sigmas("ipndm_v"),
      only_sigmas("deis"),
      only_sigmas("res_multistep"),
      only_sigmas("res_multistep_cfg_pp"),
      only_sigmas("res_multistep_ancestral"),
      only_sigmas("res_multistep_ancestral_cfg_pp"),
      only_sigmas("gradient_estimation"),
      only_sigmas("gradient_estimation_cfg_pp"),
      only_sigmas("er_sde"),
      only_sigmas("seeds_2"),
      only_sigmas("seeds_3"),
      only_sigmas("sa_solver"),
      only_sigmas("sa_solver_pece"),
      // DDIM without its noise is Euler's method in sigma (Song et al. 2020, section 4.3).
      // ComfyUI's ddim passes no options on; its own part begins with noise masks.
      {"ddim", sample_ddim},
      only_sigmas_without_penultimate("uni_pc"),
      only_sigmas_without_penultimate("uni_pc_bh2"),
  };
}

}  // namespace

std::span<const SamplerRow> samplers() {
  static const std::vector<SamplerRow> rows = make_samplers();
  return rows;
}

const SamplerRow& find_sampler(std::string_view name) {
  std::string names;
  for (const SamplerRow& row : samplers()) {
    if (row.name == name) return row;
    names += (names.empty() ? "" : ", ") + std::string(row.name);
  }
  throw Error(ErrorCode::kOutOfRange, "There is no sampler '" + std::string(name) + "'.",
              "Samplers are " + names + ".", "sampler.name");
}

void validate_sampler(const job::Sampler& sampler) {
  const SamplerRow& row = find_sampler(sampler.name);
  if (!sampler.sigmas) find_scheduler(sampler.scheduler);
  if (row.sample != nullptr) SamplerOptions(row.name, row.options, sampler.options);
}

}  // namespace tandem::coordinator
