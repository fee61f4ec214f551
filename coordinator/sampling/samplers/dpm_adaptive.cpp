#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/samplers/dpm_solver.hpp"
#include "coordinator/sampling/samplers/pid_step_size.hpp"
#include "coordinator/sampling/samplers/samplers.hpp"
#include "coordinator/sampling/samplers/steps.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

// Tolerances that cannot be met would halve the steps for ever.
constexpr std::size_t kMostSteps = 10'000;
// What of the way in t counts as arrived.
constexpr float kArrived = 1e-5F;

// The difference of two orders in units of what is tolerated, as a root mean square.
double error_of(const at::Tensor& low, const at::Tensor& high, const at::Tensor& previous,
                const SamplerOptions& options) {
  const at::Tensor size = at::maximum(low.abs(), previous.abs());
  const at::Tensor tolerated = at::clamp_min(options.number("rtol") * size, options.number("atol"));
  const double norm = at::linalg_vector_norm((low - high) / tolerated).item<float>();
  if (std::isnan(norm)) {
    throw Error(ErrorCode::kNotFinite,
                "The model's prediction, or what dpm_adaptive makes of it, "
                "is not a number.");
  }
  return norm / std::sqrt(static_cast<double>(low.numel()));
}

class Adaptive {
 public:
  Adaptive(Denoiser& denoise, at::Tensor x, const DpmRange& range, SamplerContext& ctx)
      : denoise_(denoise),
        ctx_(ctx),
        is_third_order_(ctx.options.whole("order") == 3),
        eta_(ctx.options.number("eta")),
        start_(range.t_start),
        end_(range.t_end),
        t_(range.t_start),
        size_(ctx.options, std::abs(ctx.options.number("h_init")),
              eta_ > 0.0 ? 1.5 : static_cast<double>(ctx.options.whole("order"))),
        x_(std::move(x)),
        previous_(x_) {}

  at::Tensor sample() {
    for (std::size_t step = 0; t_ < end_ - kArrived; ++step) {
      if (step == kMostSteps) throw_too_many();
      try_step(step);
    }
    return x_;
  }

 private:
  void try_step(std::size_t step);
  // The number of steps is not known: judged by the way that is done.
  std::size_t expected_steps(std::size_t done) const;
  [[noreturn]] static void throw_too_many();

  Denoiser& denoise_;
  SamplerContext& ctx_;
  bool is_third_order_;
  double eta_;
  float start_;
  float end_;
  float t_;
  PidStepSize size_;
  at::Tensor x_;
  at::Tensor previous_;  // the lower order's x of the last step taken
};

void Adaptive::try_step(std::size_t step) {
  const float from = t_;
  const float t_next = std::min(end_, from + static_cast<float>(size_.h()));
  float t_down = t_next;
  float up = 0.0F;
  if (eta_ != 0.0) {
    const float sigma_next = dpm_sigma(t_next);
    t_down =
        std::min(end_, dpm_time(get_ancestral_step(dpm_sigma(from), sigma_next, eta_).sigma_down));
    const float sigma_down = dpm_sigma(t_down);
    up = std::sqrt(sigma_next * sigma_next - sigma_down * sigma_down);
  }
  DpmStep solver(denoise_, x_, from, t_down);
  const at::Tensor low = is_third_order_ ? solver.second_order(kThird) : solver.first_order();
  const at::Tensor high = is_third_order_ ? solver.third_order() : solver.second_order();
  if (size_.propose(error_of(low, high, previous_, ctx_.options))) {
    previous_ = low;
    x_ = high;
    if (eta_ != 0.0) {
      x_ = x_ + ctx_.noise.draw(x_.sizes()) * ctx_.options.number("s_noise") * up;
    }
    t_ = t_next;
  }
  ctx_.report(step, expected_steps(step + 1), dpm_sigma(from), solver.denoised());
}

std::size_t Adaptive::expected_steps(std::size_t done) const {
  if (t_ >= end_ - kArrived) return done;
  const double share = (t_ - start_) / (end_ - start_);
  const double expected = share > 0.0 ? std::ceil(static_cast<double>(done) / share) : kMostSteps;
  return std::clamp(static_cast<std::size_t>(std::min(expected, double{kMostSteps})), done + 1,
                    std::max(done + 1, kMostSteps));
}

void Adaptive::throw_too_many() {
  throw Error(ErrorCode::kOutOfRange,
              "dpm_adaptive was not done after " + std::to_string(kMostSteps) + " steps.",
              "Raise rtol or atol.", "sampler.options.rtol");
}

}  // namespace

// DPM-Solver-12 and 23 (Lu et al. 2022, arXiv:2206.00927, appendix C): the difference of two orders
// says how long the next step is. Of the sigmas only the first and the last above 0 count.
at::Tensor sample_dpm_adaptive(Denoiser& denoise, at::Tensor x, const Sigmas& sigmas,
                               SamplerContext& ctx) {
  if (sigmas.size() < 2) return x;
  return Adaptive(denoise, std::move(x), dpm_range(sigmas), ctx).sample();
}

}  // namespace tandem::coordinator
