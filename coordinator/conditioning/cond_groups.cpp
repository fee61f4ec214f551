#include "coordinator/conditioning/cond_groups.hpp"

#include <algorithm>
#include <numeric>

#include <ATen/ATen.h>

namespace tandem::coordinator {
namespace {

constexpr std::int64_t kMaxTokenGrowth = 4;

// What the members of a group have in common.
struct GroupTokens {
  std::int64_t least;
  std::int64_t multiple;

  bool join(std::int64_t tokens) {
    const std::int64_t joined_least = std::min(least, tokens);
    const std::int64_t joined_multiple = std::lcm(multiple, tokens);
    if (joined_multiple / joined_least > kMaxTokenGrowth) return false;
    *this = {joined_least, joined_multiple};
    return true;
  }
};

bool same_kind(const CondShape& a, const CondShape& b) {
  return a.width == b.width && a.pooled_width == b.pooled_width && a.area == b.area &&
         a.hooks == b.hooks && a.plugin_hooks == b.plugin_hooks;
}

std::int64_t vector_width(const CondTensors& tensors) {
  if (tensors.y.defined()) return tensors.y.size(1);
  return tensors.pooled.defined() ? tensors.pooled.size(1) : 0;
}

}  // namespace

CondShape shape_of(const ResolvedCond& cond) {
  const CondTensors& tensors = cond.tensors;
  return {tensors.context.size(1),
          tensors.context.size(2),
          vector_width(tensors),
          cond.area,
          cond.hooks,
          tensors.plugin_hooks};
}

std::size_t largest_group(job::Batching batching, std::size_t passes, std::size_t workers,
                          std::string_view device_kind) {
  if (batching == job::Batching::kExact) return 1;
  const auto* const row =
      std::find_if(std::begin(kBatchingTable), std::end(kBatchingTable),
                   [&](const BatchingRow& r) { return r.device_kind == device_kind; });
  if (row == std::end(kBatchingTable)) return 1;
  const std::size_t share =
      (passes + std::max<std::size_t>(workers, 1) - 1) / std::max<std::size_t>(workers, 1);
  return std::clamp<std::size_t>(share, 1, row->largest_group);
}

std::vector<std::vector<std::size_t>> group_conds(std::span<const CondShape> conds,
                                                  std::size_t largest) {
  std::vector<std::vector<std::size_t>> groups;
  std::vector<bool> grouped(conds.size(), false);
  for (std::size_t first = 0; first < conds.size(); ++first) {
    if (grouped[first]) continue;
    std::vector<std::size_t> group = {first};
    GroupTokens tokens = {conds[first].tokens, conds[first].tokens};
    for (std::size_t other = first + 1; other < conds.size() && group.size() < largest; ++other) {
      if (grouped[other] || !same_kind(conds[first], conds[other])) continue;
      if (!tokens.join(conds[other].tokens)) continue;
      grouped[other] = true;
      group.push_back(other);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace tandem::coordinator
