#include "coordinator/units/cond_splitter.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/shapes.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

bool contains(std::span<const ListId> lists, ListId list) {
  return std::find(lists.begin(), lists.end(), list) != lists.end();
}

void check_result(const at::Tensor& result, const at::Tensor& x, std::size_t conds) {
  std::vector<std::int64_t> expected = x.sizes().vec();
  expected.insert(expected.begin(), static_cast<std::int64_t>(conds));
  if (result.sizes() == at::IntArrayRef(expected)) return;
  throw Error(ErrorCode::kInternal, "A denoise unit of " + std::to_string(conds) +
                                        " conds should return " + shape_text(expected) +
                                        ", it returned " + shape_text(result.sizes()) + ".");
}

}  // namespace

CondSplitter::CondSplitter(std::vector<PlacedCond> conds,
                           std::vector<std::vector<std::size_t>> groups)
    : conds_(std::move(conds)), groups_(std::move(groups)) {}

CondPlan CondSplitter::split(std::span<const ListId> lists, const at::Tensor& x,
                             float sigma) const {
  CondPlan plan;
  for (const std::vector<std::size_t>& group : groups_) {
    DenoiseCall call = {x, sigma, {}};
    std::vector<std::size_t> members;
    for (const std::size_t position : group) {
      const PlacedCond& placed = conds_[position];
      if (!contains(lists, placed.list) || !is_active(placed.cond, sigma)) continue;
      call.conds.push_back(placed.id);
      members.push_back(position);
    }
    if (members.empty()) continue;
    plan.calls.push_back(std::move(call));
    plan.members.push_back(std::move(members));
  }
  return plan;
}

std::vector<at::Tensor> CondSplitter::by_cond(const at::Tensor& x, const CondPlan& plan,
                                              std::span<const at::Tensor> results) const {
  if (results.size() != plan.calls.size()) {
    throw Error(ErrorCode::kInternal, "Of " + std::to_string(plan.calls.size()) +
                                          " denoise units " + std::to_string(results.size()) +
                                          " came back.");
  }
  std::vector<at::Tensor> predictions(conds_.size());
  for (std::size_t call = 0; call < results.size(); ++call) {
    const std::vector<std::size_t>& members = plan.members[call];
    check_result(results[call], x, members.size());
    for (std::size_t k = 0; k < members.size(); ++k) {
      predictions[members[k]] = results[call][static_cast<std::int64_t>(k)];
    }
  }
  return predictions;
}

std::vector<at::Tensor> CondSplitter::merge(std::span<const ListId> lists, const at::Tensor& x,
                                            const CondPlan& plan,
                                            std::span<const at::Tensor> results) const {
  const std::vector<at::Tensor> predictions = by_cond(x, plan, results);
  std::vector<at::Tensor> merged;
  for (const ListId list : lists) {
    at::Tensor sum = at::zeros_like(x);
    // Keeps 0 / 0 out of lists that nothing covers.
    float weight = 1e-37F;
    for (std::size_t position = 0; position < conds_.size(); ++position) {
      if (conds_[position].list != list || !predictions[position].defined()) continue;
      sum += predictions[position] * conds_[position].cond.strength;
      weight += conds_[position].cond.strength;
    }
    merged.push_back(sum / weight);
  }
  return merged;
}

}  // namespace tandem::coordinator
