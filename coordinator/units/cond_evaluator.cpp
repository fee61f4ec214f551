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
  const CondStep step = begin(lists, x, sigma);
  return finish(step, step.calls.empty() ? std::vector<at::Tensor>() : runner_.denoise(step.calls));
}

CondStep UnitCondEvaluator::begin(std::span<const ListId> lists, const at::Tensor& x, float sigma) {
  CondStep step{{lists.begin(), lists.end()}, {}, {}, {}};
  if (windows_) step.windows = windows_->split(sigma);
  for (const LatentWindow& window : step.windows)
    step.plans.push_back(plan(lists, x, sigma, window));
  if (!windows_) step.plans.push_back(plan(lists, x, sigma, std::nullopt));
  for (const CondPlan& plan : step.plans)
    step.calls.insert(step.calls.end(), plan.calls.begin(), plan.calls.end());
  return step;
}

std::vector<at::Tensor> UnitCondEvaluator::finish(const CondStep& step,
                                                  std::span<const at::Tensor> results) const {
  std::vector<std::vector<at::Tensor>> by_plan;
  for (const CondPlan& plan : step.plans) {
    by_plan.push_back(splitter_.merge(step.lists, plan, results.first(plan.calls.size())));
    results = results.subspan(plan.calls.size());
  }
  if (!windows_) return std::move(by_plan.front());
  std::vector<at::Tensor> merged;
  for (std::size_t list = 0; list < step.lists.size(); ++list) {
    std::vector<at::Tensor> predictions;
    predictions.reserve(by_plan.size());
    for (const auto& of_window : by_plan)
      predictions.push_back(of_window[list]);
    merged.push_back(windows_->merge(step.windows, predictions));
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

}  // namespace tandem::coordinator
