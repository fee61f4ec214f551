#include "coordinator/sampling/samplers/samplers.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

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

std::vector<OptionRow> noise_options() {
  return {{"s_noise", 1.0}};
}

// How many steps back a multistep method looks.
std::vector<OptionRow> max_order_options(std::int64_t fallback) {
  return {{"max_order", fallback, 1, 4}};
}

OptionRow choice(std::string_view name, const char* fallback,
                 std::vector<std::string_view> choices) {
  return {.name = name, .fallback = std::string(fallback), .choices = std::move(choices)};
}

// A share of a step.
OptionRow share(std::string_view name, double fallback) {
  constexpr double kLeast = 1e-3;
  return {name, fallback, kLeast, 1.0};
}

std::vector<OptionRow> dpm_adaptive_options() {
  return {{"order", std::int64_t{3}, 2, 3},
          {"rtol", 0.05, 0.0},
          {"atol", 0.0078, 0.0},
          {"h_init", 0.05},
          {"pcoeff", 0.0},
          {"icoeff", 1.0},
          {"dcoeff", 0.0},
          {"accept_safety", 0.81},
          {"eta", 0.0, 0.0},
          {"s_noise", 1.0}};
}

std::vector<OptionRow> with(std::vector<OptionRow> options, const std::vector<OptionRow>& more) {
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

std::vector<OptionRow> dpmpp_sde_options() {
  return with(ancestral_options(), {share("r", 0.5)});
}

std::vector<OptionRow> dpmpp_2m_sde_options(const char* solver_type) {
  return with(ancestral_options(), {choice("solver_type", solver_type, {"heun", "midpoint"})});
}

OptionRow phi_option(const char* fallback) {
  return choice("solver_type", fallback, {"phi_1", "phi_2"});
}

std::vector<OptionRow> sa_solver_options() {
  constexpr double kLargestOrder = 8;
  return {{"s_noise", 1.0},
          {"predictor_order", std::int64_t{3}, 1, kLargestOrder},
          {"corrector_order", std::int64_t{4}, 0, kLargestOrder},
          {"simple_order_2", false}};
}

constexpr SamplerTraits kDiscardsPenultimate = {.discards_penultimate_sigma = true};
constexpr SamplerTraits kCfgPlusPlus = {.uses_uncond = true};
// ComfyUI's ddim is euler without options, but for noise masks.
constexpr SamplerTraits kDdim = {.renoises_masked = true};
// Its lambda is infinite at 0.
constexpr SamplerTraits kUniPc = {.discards_penultimate_sigma = true, .last_sigma = 0.001F};

std::vector<SamplerRow> make_samplers() {
  return {
      {"euler", sample_euler, churn_options()},
      {"euler_cfg_pp", sample_euler_cfg_pp, {}, kCfgPlusPlus},
      {"euler_ancestral", sample_euler_ancestral, ancestral_options()},
      {"euler_ancestral_cfg_pp", sample_euler_ancestral_cfg_pp, ancestral_options(), kCfgPlusPlus},
      {"heun", sample_heun, churn_options()},
      {"heunpp2", sample_heunpp2, churn_options()},
      {"exp_heun_2_x0", sample_exp_heun_2_x0, {phi_option("phi_2")}},
      {"exp_heun_2_x0_sde", sample_exp_heun_2_x0_sde,
       with(ancestral_options(), {phi_option("phi_2")})},
      {"dpm_2", sample_dpm_2, churn_options(), kDiscardsPenultimate},
      {"dpm_2_ancestral", sample_dpm_2_ancestral, ancestral_options(), kDiscardsPenultimate},
      {"lms", sample_lms, {{"order", std::int64_t{4}, 1, 100}}},
      {"dpm_fast", sample_dpm_fast},
      {"dpm_adaptive", sample_dpm_adaptive, dpm_adaptive_options()},
      {"dpmpp_2s_ancestral", sample_dpmpp_2s_ancestral, ancestral_options()},
      {"dpmpp_2s_ancestral_cfg_pp", sample_dpmpp_2s_ancestral_cfg_pp, ancestral_options(),
       kCfgPlusPlus},
      {"dpmpp_sde", sample_dpmpp_sde, dpmpp_sde_options()},
      {"dpmpp_sde_gpu", sample_dpmpp_sde, dpmpp_sde_options()},
      {"dpmpp_2m", sample_dpmpp_2m},
      {"dpmpp_2m_cfg_pp", sample_dpmpp_2m_cfg_pp, {}, kCfgPlusPlus},
      {"dpmpp_2m_sde", sample_dpmpp_2m_sde, dpmpp_2m_sde_options("midpoint")},
      {"dpmpp_2m_sde_gpu", sample_dpmpp_2m_sde, dpmpp_2m_sde_options("midpoint")},
      {"dpmpp_2m_sde_heun", sample_dpmpp_2m_sde, dpmpp_2m_sde_options("heun")},
      {"dpmpp_2m_sde_heun_gpu", sample_dpmpp_2m_sde, dpmpp_2m_sde_options("heun")},
      {"dpmpp_3m_sde", sample_dpmpp_3m_sde, ancestral_options()},
      {"dpmpp_3m_sde_gpu", sample_dpmpp_3m_sde, ancestral_options()},
      {"ddpm", sample_ddpm},
      {"lcm", sample_lcm},
      {"ipndm", sample_ipndm, max_order_options(4)},
      {"ipndm_v", sample_ipndm_v, max_order_options(4)},
      {"deis", sample_deis, max_order_options(3)},
      {"res_multistep", sample_res_multistep, noise_options()},
      {"res_multistep_cfg_pp", sample_res_multistep_cfg_pp, noise_options(), kCfgPlusPlus},
      {"res_multistep_ancestral", sample_res_multistep_ancestral, ancestral_options()},
      {"res_multistep_ancestral_cfg_pp", sample_res_multistep_ancestral_cfg_pp, ancestral_options(),
       kCfgPlusPlus},
      {"gradient_estimation", sample_gradient_estimation, {{"ge_gamma", 2.0}}},
      {"gradient_estimation_cfg_pp",
       sample_gradient_estimation_cfg_pp,
       {{"ge_gamma", 2.0}},
       kCfgPlusPlus},
      {"er_sde", sample_er_sde, {{"s_noise", 1.0}, {"max_stage", std::int64_t{3}, 1, 3}}},
      {"seeds_2", sample_seeds_2,
       with(ancestral_options(), {share("r", 0.5), phi_option("phi_1")})},
      {"seeds_3", sample_seeds_3,
       with(ancestral_options(), {share("r_1", 1.0 / 3), share("r_2", 2.0 / 3)})},
      {"sa_solver", sample_sa_solver, with(sa_solver_options(), {{"use_pece", false}})},
      {"sa_solver_pece", sample_sa_solver_pece, sa_solver_options()},
      {"ddim", sample_ddim, {}, kDdim},
      {"uni_pc", sample_uni_pc, {}, kUniPc},
      {"uni_pc_bh2", sample_uni_pc_bh2, {}, kUniPc},
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
  SamplerOptions(row.name, row.options, sampler.options);
}

Sigmas final_sigmas(const SamplerRow& row, Sigmas sigmas) {
  if (sigmas.size() > 1 && sigmas.back() == 0.0F) sigmas.back() = row.traits.last_sigma;
  return sigmas;
}

}  // namespace tandem::coordinator
