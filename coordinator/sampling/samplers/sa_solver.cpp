#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/half_log_snr.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"
#include "coordinator/sampling/samplers/stochastic_adams.hpp"

namespace tandem::coordinator {
namespace {

// Between these shares of the sampling the solver is stochastic.
constexpr double kStochasticStart = 0.2;
constexpr double kStochasticEnd = 0.8;

// One sampling: the state, the predictions so far, and what the last predictor step drew.
class SaSolver {
 public:
  SaSolver(Denoiser& denoise, const Sigmas& sigmas, SamplerContext& ctx, bool use_pece)
      : denoise_(denoise),
        sigmas_(sigmas),
        ctx_(ctx),
        use_pece_(use_pece),
        predictor_order_(static_cast<std::size_t>(ctx.options.whole("predictor_order"))),
        corrector_order_(static_cast<std::size_t>(ctx.options.whole("corrector_order"))),
        predictions_(std::max(predictor_order_, corrector_order_)) {
    for (const float sigma : sigmas)
      lambdas_.push_back(to_half_log_snr(ctx.prediction, sigma));
  }

  at::Tensor sample(at::Tensor x) {
    for (std::size_t i = 0; i + 1 < sigmas_.size(); ++i)
      x = step(x, i);
    return x;
  }

 private:
  at::Tensor step(const at::Tensor& predicted, std::size_t i);
  at::Tensor correct(std::size_t i, std::size_t order);
  at::Tensor predict(std::size_t i);
  at::Tensor advance(std::size_t from, std::size_t newest, std::size_t order, bool is_corrector);

  // Orders are lowered towards an end at 0, where they would be unstable.
  std::size_t lowered(std::size_t order, std::size_t steps_left) const {
    const std::size_t known = std::min(order, predictions_.size());
    return sigmas_.back() == 0.0F ? std::min(known, steps_left) : known;
  }

  Denoiser& denoise_;
  const Sigmas& sigmas_;
  SamplerContext& ctx_;
  bool use_pece_;
  std::size_t predictor_order_;
  std::size_t corrector_order_;
  History predictions_;
  std::vector<float> lambdas_;
  at::Tensor x_;      // the corrected state
  at::Tensor noise_;  // undefined where the last step was deterministic
  double tau_ = 0.0;
};

// Evaluates the predicted state, corrects it, and predicts the next one.
at::Tensor SaSolver::step(const at::Tensor& predicted, std::size_t i) {
  const std::size_t left = sigmas_.size() - 1 - i;
  const bool is_last = sigmas_[i + 1] == 0.0F;
  const at::Tensor denoised = denoise_(predicted, sigmas_[i]);
  predictions_.push(denoised);
  const bool corrects = i > 0 && (use_pece_ || !is_last);
  const std::size_t order = corrects ? lowered(corrector_order_, left) : 0;
  x_ = order > 0 ? correct(i, order) : predicted;
  if (order > 0 && use_pece_) predictions_.replace_newest(denoise_(x_, sigmas_[i]));
  at::Tensor next = is_last ? predictions_[0] : predict(i);
  ctx_.report(i, denoised);
  return next;
}

at::Tensor SaSolver::correct(std::size_t i, std::size_t order) {
  const at::Tensor x = advance(i - 1, i, order, true);
  return noise_.defined() ? x + noise_ : x;
}

at::Tensor SaSolver::predict(std::size_t i) {
  const float next = sigmas_[i + 1];
  const double s_noise = ctx_.options.number("s_noise");
  const bool is_stochastic = ctx_.prediction.percent_to_sigma(kStochasticStart) >= next &&
                             next >= ctx_.prediction.percent_to_sigma(kStochasticEnd);
  tau_ = is_stochastic ? 1.0 : 0.0;
  at::Tensor x = advance(i, i, lowered(predictor_order_, sigmas_.size() - 2 - i), false);
  noise_ = at::Tensor();
  if (!is_stochastic || s_noise <= 0.0) return x;
  const float h = lambdas_[i + 1] - lambdas_[i];
  noise_ = ctx_.noise.draw(x.sizes()) * next * std::sqrt(-std::expm1(-2 * h)) * s_noise;
  return x + noise_;
}

// From sigma `from` to the one after it, by the `order` predictions up to that at `newest`.
at::Tensor SaSolver::advance(std::size_t from, std::size_t newest, std::size_t order,
                             bool is_corrector) {
  const float next = sigmas_[from + 1];
  const AdamsStep step = {lambdas_[from], lambdas_[from + 1], alpha_at(ctx_.prediction, next),
                          tau_};
  const std::span<const float> nodes(lambdas_.data() + (newest + 1 - order), order);
  const bool is_simple = order == 2 && ctx_.options.flag("simple_order_2");
  const std::vector<float> b = is_simple ? simple_stochastic_adams(step, nodes, is_corrector)
                                         : stochastic_adams(step, nodes);
  const float fade = static_cast<float>(tau_ * tau_) * (step.lambda_next - step.lambda);
  at::Tensor x = next / sigmas_[from] * std::exp(-fade) * x_;
  for (std::size_t k = 0; k < order; ++k)
    x = x + b[k] * predictions_[order - 1 - k];
  return x;
}

}  // namespace

// SA-Solver: stochastic Adams predictor and corrector (Xue et al. 2023, arXiv:2309.05019).
at::Tensor sample_sa_solver(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                            SamplerContext& ctx) {
  const Sigmas finite = offset_first_sigma(sigmas, ctx.prediction);
  return SaSolver(denoise, finite, ctx, ctx.options.flag("use_pece")).sample(std::move(x));
}

// The corrected state is evaluated again: predict, evaluate, correct, evaluate.
at::Tensor sample_sa_solver_pece(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                                 SamplerContext& ctx) {
  const Sigmas finite = offset_first_sigma(sigmas, ctx.prediction);
  return SaSolver(denoise, finite, ctx, true).sample(std::move(x));
}

}  // namespace tandem::coordinator
