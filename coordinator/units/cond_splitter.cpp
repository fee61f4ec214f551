#include "coordinator/units/cond_splitter.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/shapes.hpp"
#include "models/tensor/latent_region.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

bool contains(std::span<const ListId> lists, ListId list) {
  return std::find(lists.begin(), lists.end(), list) != lists.end();
}

at::Tensor narrow_if(const at::Tensor& latent, const std::optional<LatentArea>& area) {
  return area ? models::narrow_to(latent, *area) : latent;
}

// Everywhere, with a weight of one.
bool counts_fully(const CondShare& share) {
  return !share.region.area && share.weight.numel() == 1 &&
         *share.weight.const_data_ptr<float>() == 1.0F;
}

// As a tensor of its type a number costs half of what it costs as a number.
at::Tensor plus_zero(const at::Tensor& prediction) {
  static const at::Tensor zero = at::zeros({}, at::kFloat);
  return prediction + zero;
}

void check_result(const at::Tensor& result, const DenoiseCall& call) {
  std::vector<std::int64_t> expected = models::cropped_shape(call.x.sizes(), call.region);
  expected.insert(expected.begin(), static_cast<std::int64_t>(call.conds.size()));
  if (result.sizes() == at::IntArrayRef(expected)) return;
  throw Error(ErrorCode::kInternal, "A denoise unit of " + std::to_string(call.conds.size()) +
                                        " conds should return " + shape_text(expected) +
                                        ", it returned " + shape_text(result.sizes()) + ".");
}

}  // namespace

CondSplitter::CondSplitter(std::vector<PlacedCond> conds,
                           std::vector<std::vector<std::size_t>> groups, bool split_items)
    : conds_(std::move(conds)), groups_(std::move(groups)), split_items_(split_items) {}

CondPlan CondSplitter::split(std::span<const ListId> lists, const at::Tensor& x, float sigma,
                             const std::optional<LatentWindow>& window) const {
  CondPlan plan;
  plan.shares = shares_at(lists, x.sizes(), sigma, window);
  plan.window_shape = models::cropped_shape(x.sizes(), {window, std::nullopt});
  for (const std::vector<std::size_t>& group : groups_) {
    DenoiseCall call = {x, sigma, {}, {}, {}};
    std::vector<std::size_t> members;
    for (const std::size_t position : group) {
      if (!plan.shares[position].weight.defined()) continue;
      call.conds.push_back(conds_[position].id);
      call.region = plan.shares[position].region;
      members.push_back(position);
    }
    if (!members.empty()) add_calls(std::move(call), members, plan);
  }
  return plan;
}

void CondSplitter::add_calls(DenoiseCall call, const std::vector<std::size_t>& members,
                             CondPlan& plan) const {
  const std::int64_t items = plan.window_shape.front();
  const std::int64_t calls = split_items_ ? items : 1;
  for (std::int64_t item = 0; item < calls; ++item) {
    if (calls > 1) call.region.item = item;
    plan.calls.push_back(call);
    plan.members.push_back(members);
  }
}

std::vector<CondShare> CondSplitter::shares_at(std::span<const ListId> lists,
                                               at::IntArrayRef latent_shape, float sigma,
                                               const std::optional<LatentWindow>& window) const {
  std::vector<CondShare> shares(conds_.size(), CondShare{{window, std::nullopt}});
  for (std::size_t position = 0; position < conds_.size(); ++position) {
    const PlacedCond& placed = conds_[position];
    if (!contains(lists, placed.list) || !is_active(placed.cond, sigma)) continue;
    if (placed.cond.is_default) continue;
    shares[position] =
        window ? share_of(placed.cond, latent_shape, window) : whole_share(position, latent_shape);
  }
  const auto window_shape = models::cropped_shape(latent_shape, {window, std::nullopt});
  for (const ListId list : lists)
    share_with_defaults(list, sigma, window_shape, shares);
  return shares;
}

const CondShare& CondSplitter::whole_share(std::size_t position,
                                           at::IntArrayRef latent_shape) const {
  if (latent_shape != at::IntArrayRef(known_shape_)) {
    known_shape_ = latent_shape.vec();
    known_shares_.assign(conds_.size(), std::nullopt);
  }
  std::optional<CondShare>& known = known_shares_[position];
  if (!known) known = share_of(conds_[position].cond, latent_shape, std::nullopt);
  return *known;
}

void CondSplitter::share_with_defaults(ListId list, float sigma, at::IntArrayRef window_shape,
                                       std::vector<CondShare>& shares) const {
  std::vector<std::size_t> defaults;
  std::vector<const CondShare*> others;
  for (std::size_t position = 0; position < conds_.size(); ++position) {
    const PlacedCond& placed = conds_[position];
    if (placed.list != list) continue;
    if (shares[position].weight.defined()) others.push_back(&shares[position]);
    if (placed.cond.is_default && is_active(placed.cond, sigma)) defaults.push_back(position);
  }
  if (defaults.empty()) return;
  const at::Tensor rest = uncovered_weight(others, window_shape);
  for (const std::size_t position : defaults)
    shares[position].weight = rest;
}

std::vector<at::Tensor> CondSplitter::by_cond(const CondPlan& plan,
                                              std::span<const at::Tensor> results) const {
  if (results.size() != plan.calls.size()) {
    throw Error(ErrorCode::kInternal, "Of " + std::to_string(plan.calls.size()) +
                                          " denoise units " + std::to_string(results.size()) +
                                          " came back.");
  }
  std::vector<std::vector<at::Tensor>> items(conds_.size());
  for (std::size_t call = 0; call < results.size(); ++call) {
    const std::vector<std::size_t>& members = plan.members[call];
    check_result(results[call], plan.calls[call]);
    for (std::size_t k = 0; k < members.size(); ++k)
      items[members[k]].push_back(results[call][static_cast<std::int64_t>(k)]);
  }
  std::vector<at::Tensor> predictions(conds_.size());
  for (std::size_t position = 0; position < conds_.size(); ++position) {
    const std::vector<at::Tensor>& of_cond = items[position];
    if (of_cond.size() == 1) predictions[position] = of_cond.front();
    if (of_cond.size() > 1) predictions[position] = at::cat(of_cond);
  }
  return predictions;
}

const std::vector<std::string>& CondSplitter::hooks_of(const CondPlan& plan,
                                                       std::size_t call) const {
  return conds_[plan.members[call].front()].cond.hooks;
}

std::vector<std::size_t> CondSplitter::positions_of(
    ListId list, const std::vector<at::Tensor>& predictions) const {
  std::vector<std::size_t> positions;
  for (std::size_t position = 0; position < conds_.size(); ++position) {
    if (conds_[position].list == list && predictions[position].defined())
      positions.push_back(position);
  }
  return positions;
}

at::Tensor CondSplitter::merge_list(ListId list, const CondPlan& plan,
                                    const std::vector<at::Tensor>& predictions) const {
  const auto own = positions_of(list, predictions);
  // What the general way comes to, a negative zero included, with one operation instead of six. A
  // window's prediction is added to zeros when the windows are fused, which comes to the same.
  if (own.size() == 1 && counts_fully(plan.shares[own.front()])) {
    const at::Tensor& prediction = predictions[own.front()];
    return plan.shares[own.front()].region.window ? prediction : plus_zero(prediction);
  }
  const at::Tensor sum = at::zeros(plan.window_shape, at::kFloat);
  for (const std::size_t position : own) {
    const CondShare& share = plan.shares[position];
    narrow_if(sum, share.region.area).add_(predictions[position] * share.weight);
  }
  return sum / total_weight(list, plan, own);
}

// Steps whose shares are the same objects have it from the one before.
at::Tensor CondSplitter::total_weight(ListId list, const CondPlan& plan,
                                      const std::vector<std::size_t>& own) const {
  std::vector<at::Tensor> weights;
  weights.reserve(own.size());
  for (const std::size_t position : own)
    weights.push_back(plan.shares[position].weight);
  const std::vector<std::int64_t>& window = plan.window_shape;
  const std::vector<std::int64_t> shape = {window[0], 1, window[2], window[3]};
  KnownTotal& known = known_totals_[list];
  const auto is_same = [](const at::Tensor& a, const at::Tensor& b) { return a.is_same(b); };
  if (known.total.defined() && known.total.sizes() == at::IntArrayRef(shape) &&
      known.positions == own && std::ranges::equal(known.weights, weights, is_same))
    return known.total;
  // Keeps 0 / 0 out of cells that nothing covers.
  at::Tensor total = at::full(shape, 1e-37F, at::kFloat);
  for (const std::size_t position : own) {
    const CondShare& share = plan.shares[position];
    narrow_if(total, share.region.area).add_(share.weight);
  }
  known = {own, std::move(weights), total};
  return total;
}

std::vector<at::Tensor> CondSplitter::merge(std::span<const ListId> lists, const CondPlan& plan,
                                            std::span<const at::Tensor> results) const {
  const std::vector<at::Tensor> predictions = by_cond(plan, results);
  std::vector<at::Tensor> merged;
  for (const ListId list : lists)
    merged.push_back(merge_list(list, plan, predictions));
  return merged;
}

}  // namespace tandem::coordinator
