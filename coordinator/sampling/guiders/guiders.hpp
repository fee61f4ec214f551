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
  // A list is evaluated even where its share in the result is 0 (CFG++ samplers).
  bool keeps_all_lists = false;
};

// What the lists predict at x, of x's shape, float32; zeros for one that is not evaluated.
struct Predictions {
  const at::Tensor& x;
  float sigma = 0.0F;
  at::Tensor positive;
  at::Tensor negative;
  at::Tensor middle;
};

struct GuiderRow {
  job::GuiderKind kind;
  std::string_view name;
  // The lists to evaluate, the same at every step.
  std::vector<ListId> (*lists)(const GuiderSettings&);
  GuidedPrediction (*combine)(const Predictions&, const GuiderSettings&);
  bool reads_middle = false;
  bool can_rescale = true;
};

// All guiders of the job format.
std::span<const GuiderRow> guiders();
const GuiderRow& find_guider(job::GuiderKind kind);

// Checks what a job gives its guider: throws Error(kBadRequest) for a middle list that is missing
// or not read, and for a rescale that the guider does not have.
void validate_guider(const job::Job& job);

// Classifier-free guidance (Ho and Salimans 2022): negative + cfg * (positive - negative). A cfg of
// 1 leaves the negative list out.
std::vector<ListId> cfg_lists(const GuiderSettings& settings);
GuidedPrediction cfg_combine(const Predictions& predictions, const GuiderSettings& settings);

// The positive list alone.
std::vector<ListId> basic_lists(const GuiderSettings& settings);
GuidedPrediction basic_combine(const Predictions& predictions, const GuiderSettings& settings);

// Two positives: cfg from middle to positive, cfg_middle from negative to middle; nested,
// cfg_middle leads from negative to what cfg made of the other two.
std::vector<ListId> dual_cfg_lists(const GuiderSettings& settings);
GuidedPrediction dual_cfg_combine(const Predictions& predictions, const GuiderSettings& settings);

// Perp-Neg (Armandpour et al. 2023, arXiv:2304.04968): of the negative only what is perpendicular
// to the positive counts, both seen from the middle list's empty prompt. Dot product and norm span
// the whole batch.
std::vector<ListId> perp_neg_lists(const GuiderSettings& settings);
GuidedPrediction perp_neg_combine(const Predictions& predictions, const GuiderSettings& settings);

// A guider over an evaluator is what a sampler calls. Refers to row and evaluator.
class GuidedDenoiser : public Denoiser {
 public:
  GuidedDenoiser(const GuiderRow& row, const GuiderSettings& settings, CondEvaluator& evaluator);

  GuidedPrediction predict(const at::Tensor& x, float sigma) override;

 private:
  const GuiderRow& row_;
  GuiderSettings settings_;
  CondEvaluator& evaluator_;
  std::vector<ListId> lists_;
  at::Tensor zeros_;  // for lists that are not evaluated; never written to
};

}  // namespace tandem::coordinator
