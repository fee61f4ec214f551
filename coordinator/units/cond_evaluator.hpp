// Predictions of whole lists of conds, computed by units.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/conditioning/cond_list.hpp"
#include "coordinator/conditioning/hook_schedule.hpp"
#include "coordinator/conditioning/resolved_cond.hpp"
#include "coordinator/units/cond_splitter.hpp"
#include "coordinator/units/unit_runner.hpp"
#include "coordinator/units/window_splitter.hpp"
#include "protocol/job/job.hpp"

namespace tandem::coordinator {

// What a guider works with.
class CondEvaluator {
 public:
  virtual ~CondEvaluator() = default;

  // The denoised prediction of each list at x, in the order of lists, of x's shape: (batch,
  // channels, height, width) float32. Blocks; throws Error.
  virtual std::vector<at::Tensor> evaluate(std::span<const ListId> lists, const at::Tensor& x,
                                           float sigma) = 0;
};

// What the grouping of conds into units depends on.
struct BatchingPolicy {
  job::Batching batching = job::Batching::kAuto;
  std::size_t workers = 1;  // when the job starts
  std::size_t windows = 1;  // of its first step
  std::string_view device_kind = "cpu";
  // Each item of a batch, or of a window of items, is a unit by itself.
  bool split_batch = false;
  std::size_t items = 1;  // of the batch or window
};

// Sets windows and items: what a batch of so many items, in windows at a sigma, comes to.
void count_parts(BatchingPolicy& policy, std::int64_t items,
                 const std::optional<WindowSplitter>& windows, float sigma);

// One list's conds.
struct CondList {
  ListId list = ListId::kPositive;
  std::vector<ResolvedCond> conds;
};

// An evaluate in two halves: what is to be computed, and how the results come together.
struct CondStep {
  std::vector<ListId> lists;
  std::vector<LatentWindow> windows;  // none: the whole latent
  std::vector<CondPlan> plans;        // of each window
  std::vector<DenoiseCall> calls;     // of all plans, in their order
};

// By a UnitRunner, which must outlive it. Groups are formed in the constructor and stay.
class UnitCondEvaluator : public CondEvaluator {
 public:
  // Makes all conds known to the runner, in the order given. hooks: of this run.
  UnitCondEvaluator(UnitRunner& runner, const std::vector<CondList>& lists,
                    const BatchingPolicy& policy, HookSchedule hooks,
                    std::optional<WindowSplitter> windows = std::nullopt);
  // Of conds that the runner knows already.
  UnitCondEvaluator(UnitRunner& runner, std::vector<PlacedCond> conds, const BatchingPolicy& policy,
                    std::shared_ptr<HookStrengths> hooks,
                    std::optional<WindowSplitter> windows = std::nullopt);

  std::vector<at::Tensor> evaluate(std::span<const ListId> lists, const at::Tensor& x,
                                   float sigma) override;

  // evaluate() without the runner. begin() throws what it throws but for the runner's errors;
  // results: as UnitRunner::denoise gives them for step.calls.
  CondStep begin(std::span<const ListId> lists, const at::Tensor& x, float sigma);
  std::vector<at::Tensor> finish(const CondStep& step, std::span<const at::Tensor> results) const;

 private:
  CondPlan plan(std::span<const ListId> lists, const at::Tensor& x, float sigma,
                const std::optional<LatentWindow>& window);

  UnitRunner& runner_;
  CondSplitter splitter_;
  std::shared_ptr<HookStrengths> hooks_;
  std::optional<WindowSplitter> windows_;
};

}  // namespace tandem::coordinator
