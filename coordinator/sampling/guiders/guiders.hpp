// THE list of guiders: which lists of conds are evaluated, and how their predictions become one.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/conditioning/cond_list.hpp"
#include "coordinator/sampling/denoiser.hpp"
#include "coordinator/units/cond_evaluator.hpp"
#include "protocol/job/job.hpp"

namespace tandem::coordinator {

struct GuiderSettings {
  double cfg = 1.0;  // sampler.cfg
  job::Guider guider;
};

struct GuiderRow {
  job::GuiderKind kind;
  std::string_view name;
  // The lists to evaluate, the same at every step; null: known by name only.
  std::vector<ListId> (*lists)(const GuiderSettings&);
  // Their predictions, in that order, as one. All of x's shape, float32.
  at::Tensor (*combine)(std::span<const at::Tensor> predictions, const GuiderSettings&);
};

// All guiders of the job format.
std::span<const GuiderRow> guiders();
const GuiderRow& find_guider(job::GuiderKind kind);

// Classifier-free guidance (Ho and Salimans 2022): negative + cfg * (positive - negative). A cfg of
// 1 leaves the negative list out.
std::vector<ListId> cfg_lists(const GuiderSettings& settings);
at::Tensor cfg_combine(std::span<const at::Tensor> predictions, const GuiderSettings& settings);

// The positive list alone.
std::vector<ListId> basic_lists(const GuiderSettings& settings);
at::Tensor basic_combine(std::span<const at::Tensor> predictions, const GuiderSettings& settings);

// A guider over an evaluator is what a sampler calls. Refers to row and evaluator.
class GuidedDenoiser : public Denoiser {
 public:
  GuidedDenoiser(const GuiderRow& row, const GuiderSettings& settings, CondEvaluator& evaluator);

  at::Tensor operator()(const at::Tensor& x, float sigma) override;

 private:
  const GuiderRow& row_;
  GuiderSettings settings_;
  CondEvaluator& evaluator_;
  std::vector<ListId> lists_;
};

}  // namespace tandem::coordinator
