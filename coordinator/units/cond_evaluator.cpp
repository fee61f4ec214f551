#include "coordinator/units/cond_evaluator.hpp"

#include <iterator>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/conditioning/cond_groups.hpp"

namespace tandem::coordinator {
namespace {

std::vector<PlacedCond> add_conds(UnitRunner& runner, const std::vector<CondList>& lists) {
  std::vector<PlacedCond> placed;
  for (const CondList& list : lists) {
    for (const ResolvedCond& cond : list.conds)
      placed.push_back({list.list, runner.add_cond(cond.tensors), cond});
  }
  return placed;
}

CondSplitter make_splitter(std::vector<PlacedCond> placed, const BatchingPolicy& policy) {
  std::vector<CondShape> shapes;
  shapes.reserve(placed.size());
  for (const PlacedCond& cond : placed)
    shapes.push_back(shape_of(cond.cond));
  const std::size_t parts = policy.windows * (policy.split_batch ? policy.items : 1);
  const std::size_t largest =
      largest_group(policy.batching, placed.size() * parts, policy.workers, policy.device_kind);
  return {std::move(placed), group_conds(shapes, largest), policy.split_batch};
}

}  // namespace

void count_parts(BatchingPolicy& policy, std::int64_t items,
                 const std::optional<WindowSplitter>& windows, float sigma) {
  policy.items = static_cast<std::size_t>(items);
  if (!windows) return;
  const std::vector<LatentWindow> all = windows->split(sigma);
  policy.windows = all.size();
  if (all.front().dim == 0) policy.items = all.front().indices.size();
}

UnitCondEvaluator::UnitCondEvaluator(UnitRunner& runner, const std::vector<CondList>& lists,
                                     const BatchingPolicy& policy, HookSchedule hooks,
                                     std::optional<WindowSplitter> windows)
    : UnitCondEvaluator(runner, add_conds(runner, lists), policy,
                        std::make_shared<HookSchedule>(std::move(hooks)), std::move(windows)) {}

UnitCondEvaluator::UnitCondEvaluator(UnitRunner& runner, std::vector<PlacedCond> conds,
                                     const BatchingPolicy& policy,
                                     std::shared_ptr<HookStrengths> hooks,
                                     std::optional<WindowSplitter> windows)
    : runner_(runner),
      splitter_(make_splitter(std::move(conds), policy)),
      hooks_(std::move(hooks)),
      windows_(std::move(windows)) {}

std::vector<at::Tensor> UnitCondEvaluator::evaluate(std::span<const ListId> lists,
                                                    const at::Tensor& x, float sigma) {
  if (windows_) return evaluate_windows(lists, x, sigma);
  std::vector<CondPlan> plans;
  plans.push_back(plan(lists, x, sigma, std::nullopt));
  return run(lists, plans).front();
}

std::vector<at::Tensor> UnitCondEvaluator::evaluate_windows(std::span<const ListId> lists,
                                                            const at::Tensor& x, float sigma) {
  const std::vector<LatentWindow> windows = windows_->split(sigma);
  std::vector<CondPlan> plans;
  plans.reserve(windows.size());
  for (const LatentWindow& window : windows)
    plans.push_back(plan(lists, x, sigma, window));
  const std::vector<std::vector<at::Tensor>> by_window = run(lists, plans);
  std::vector<at::Tensor> merged;
  for (std::size_t list = 0; list < lists.size(); ++list) {
    std::vector<at::Tensor> predictions;
    predictions.reserve(by_window.size());
    for (const auto& of_window : by_window)
      predictions.push_back(of_window[list]);
    merged.push_back(windows_->merge(windows, predictions));
  }
  return merged;
}

// The hooks' strengths at a sigma are the same for all windows: asking again moves no keyframe.
CondPlan UnitCondEvaluator::plan(std::span<const ListId> lists, const at::Tensor& x, float sigma,
                                 const std::optional<LatentWindow>& window) {
  CondPlan plan = splitter_.split(lists, x, sigma, window);
  for (std::size_t call = 0; call < plan.calls.size(); ++call)
    plan.calls[call].hooks = hooks_->at(splitter_.hooks_of(plan, call), sigma);
  return plan;
}

std::vector<std::vector<at::Tensor>> UnitCondEvaluator::run(std::span<const ListId> lists,
                                                            const std::vector<CondPlan>& plans) {
  std::vector<DenoiseCall> calls;
  for (const CondPlan& plan : plans)
    calls.insert(calls.end(), plan.calls.begin(), plan.calls.end());
  std::vector<at::Tensor> results;
  if (!calls.empty()) results = runner_.denoise(calls);
  std::vector<std::vector<at::Tensor>> merged;
  std::span<const at::Tensor> left = results;
  for (const CondPlan& plan : plans) {
    merged.push_back(splitter_.merge(lists, plan, left.first(plan.calls.size())));
    left = left.subspan(plan.calls.size());
  }
  return merged;
}

}  // namespace tandem::coordinator
