#include "models/prediction/sigma_table.hpp"

#include <cmath>
#include <string>

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

constexpr std::int64_t kMaxTimesteps = 1'000'000;
constexpr std::int64_t kFlowTimesteps = 1000;

// Latent consistency models are distilled to 50 of the teacher's timesteps (Luo et al. 2023).
constexpr std::int64_t kDistilledTimesteps = 50;

// What the last alpha of a zero-SNR schedule becomes, so that its sigma is finite.
constexpr double kZeroSnrAlpha = 4.8973451890853435e-08;

void require(bool holds, const std::string& what, const std::string& path) {
  if (!holds) throw Error(ErrorCode::kOutOfRange, what, "", path);
}

void check_discrete(const SigmaParameters& p) {
  require(p.timesteps >= kDistilledTimesteps && p.timesteps <= kMaxTimesteps,
          "A model has 50 to 1000000 timesteps, not " + std::to_string(p.timesteps) + ".",
          "model.timesteps");
  require(p.linear_start > 0.0 && p.linear_end >= p.linear_start && p.linear_end < 1.0,
          "Betas rise from above 0 to below 1, not from " + std::to_string(p.linear_start) +
              " to " + std::to_string(p.linear_end) + ".",
          "model.linear_start");
}

void check_flow(const SigmaParameters& p) {
  require(std::isfinite(p.shift) && p.shift > 0.0,
          "The shift of a flow is above 0, not " + std::to_string(p.shift) + ".", "sampling.shift");
  require(std::isfinite(p.multiplier) && p.multiplier > 0.0,
          "The multiplier of a flow is above 0, not " + std::to_string(p.multiplier) + ".",
          "sampling.multiplier");
}

// Lin et al. 2023, algorithm 1, on sigmas: sqrt(alpha_bar) is shifted and scaled so that its last
// value is 0 and its first stays.
at::Tensor rescale_to_zero_terminal_snr(const at::Tensor& sigmas) {
  const at::Tensor root = (1 / (sigmas * sigmas + 1)).sqrt();
  const double first = root[0].item<double>();
  const double last = root[-1].item<double>();
  at::Tensor alpha_bar = ((root - last) * (first / (first - last))).square();
  alpha_bar[-1] = kZeroSnrAlpha;
  return ((1 - alpha_bar) / alpha_bar).sqrt();
}

at::Tensor betas_of(const SigmaParameters& p) {
  if (p.betas == Betas::kLinear) {
    return at::linspace(p.linear_start, p.linear_end, p.timesteps, at::kDouble);
  }
  return at::linspace(std::sqrt(p.linear_start), std::sqrt(p.linear_end), p.timesteps, at::kDouble)
      .square();
}

SigmaTable discrete_table(const SigmaParameters& p) {
  const at::Tensor alphas = at::cumprod(1.0 - betas_of(p), 0);
  at::Tensor sigmas = ((1 - alphas) / alphas).sqrt();
  if (p.zsnr) sigmas = rescale_to_zero_terminal_snr(sigmas);
  return {sigmas.to(at::kFloat), sigmas.log().to(at::kFloat)};
}

SigmaTable distilled_table(const SigmaParameters& p) {
  const SigmaTable all = discrete_table(p);
  const std::int64_t skip = p.timesteps / kDistilledTimesteps;
  const at::Tensor index = at::arange(kDistilledTimesteps - 1, -1, -1, at::kLong) * -skip +
                           (static_cast<std::int64_t>(p.timesteps) - 1);
  const at::Tensor sigmas = all.sigmas.index_select(0, index);
  return {sigmas, sigmas.log(), skip};
}

SigmaTable flow_table(const SigmaParameters& p) {
  const at::Tensor t = at::arange(1, kFlowTimesteps + 1, at::kFloat) / kFlowTimesteps;
  // There and back through timesteps, as the reference: it rounds.
  const at::Tensor sigmas = shift_flow_time(p.shift, t * p.multiplier / p.multiplier);
  return {sigmas, sigmas.log()};
}

}  // namespace

at::Tensor shift_flow_time(double shift, const at::Tensor& t) {
  if (shift == 1.0) return t;
  return shift * t / (1 + (shift - 1) * t);
}

double shift_flow_time(double shift, double t) {
  return shift == 1.0 ? t : shift * t / (1 + (shift - 1) * t);
}

SigmaTable make_sigma_table(const SigmaParameters& parameters) {
  switch (parameters.parameterization) {
    case Parameterization::kFlow:
      check_flow(parameters);
      return flow_table(parameters);
    case Parameterization::kLcm:
      check_discrete(parameters);
      return distilled_table(parameters);
    case Parameterization::kEps:
    case Parameterization::kVPrediction:
    case Parameterization::kX0:
      break;
  }
  check_discrete(parameters);
  return discrete_table(parameters);
}

}  // namespace tandem::models
