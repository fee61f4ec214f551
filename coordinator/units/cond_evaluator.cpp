#include "coordinator/units/cond_evaluator.hpp"

#include <utility>

#include <ATen/ATen.h>

#include "coordinator/conditioning/cond_groups.hpp"

namespace tandem::coordinator {
namespace {

CondSplitter make_splitter(UnitRunner& runner, const std::vector<CondList>& lists,
                           const BatchingPolicy& policy) {
  std::vector<PlacedCond> placed;
  std::vector<CondShape> shapes;
  for (const CondList& list : lists) {
    for (const ResolvedCond& cond : list.conds) {
      placed.push_back({list.list, runner.add_cond(cond.tensors), cond});
      shapes.push_back(shape_of(cond));
    }
  }
  const std::size_t largest =
      largest_group(policy.batching, placed.size(), policy.workers, policy.device_kind);
  return {std::move(placed), group_conds(shapes, largest)};
}

}  // namespace

UnitCondEvaluator::UnitCondEvaluator(UnitRunner& runner, const std::vector<CondList>& lists,
                                     const BatchingPolicy& policy)
    : runner_(runner), splitter_(make_splitter(runner, lists, policy)) {}

std::vector<at::Tensor> UnitCondEvaluator::evaluate(std::span<const ListId> lists,
                                                    const at::Tensor& x, float sigma) {
  const CondPlan plan = splitter_.split(lists, x, sigma);
  std::vector<at::Tensor> results;
  if (!plan.calls.empty()) results = runner_.denoise(plan.calls);
  return splitter_.merge(lists, plan, results);
}

}  // namespace tandem::coordinator
