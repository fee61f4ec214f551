// A step's forward passes, and what becomes of their results (ComfyUI's calc_cond_batch).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/conditioning/cond_list.hpp"
#include "coordinator/conditioning/cond_weights.hpp"
#include "coordinator/conditioning/resolved_cond.hpp"
#include "coordinator/units/unit_runner.hpp"
#include "protocol/latent_region.hpp"

namespace tandem::coordinator {

// A cond of the job: where it counts, and under which id the workers know it.
struct PlacedCond {
  ListId list = ListId::kPositive;
  std::size_t id = 0;
  ResolvedCond cond;
};

// Calls in canonical order, whatever order they come back in, and the positions of each call's
// conds.
struct CondPlan {
  std::vector<DenoiseCall> calls;
  std::vector<std::vector<std::size_t>> members;
  std::vector<CondShare> shares;           // by position, for those that take no part too
  std::vector<std::int64_t> window_shape;  // of what is predicted: the latent, or a window of it
};

// Pure: no call of it changes what another one gives. For one thread at a time.
class CondSplitter {
 public:
  // groups: positions in conds, every one at most once, those of a group with the same area
  // (group_conds). split_items: a group is a call for each item of a batch, in their order.
  CondSplitter(std::vector<PlacedCond> conds, std::vector<std::vector<std::size_t>> groups,
               bool split_items = false);

  // The groups' conds that belong to lists and are active at sigma, default ones where the others
  // leave something to them; groups without any are left out. x: (batch, channels, height, width)
  // float32, of which the window is predicted. Throws as share_of does.
  CondPlan split(std::span<const ListId> lists, const at::Tensor& x, float sigma,
                 const std::optional<LatentWindow>& window = std::nullopt) const;

  // Groups of hooks of a call of the plan: its conds carry the same ones.
  const std::vector<std::string>& hooks_of(const CondPlan& plan, std::size_t call) const;

  // The prediction of each list, in the order of lists, of plan.window_shape: sum(weight * result)
  // / (1e-37 + sum(weight)) over its active conds, in their order; zeros where there are none.
  // results: as UnitRunner::denoise gives them for plan.calls. Throws Error(kInternal) if their
  // shapes are others.
  std::vector<at::Tensor> merge(std::span<const ListId> lists, const CondPlan& plan,
                                std::span<const at::Tensor> results) const;

 private:
  std::vector<CondShare> shares_at(std::span<const ListId> lists, at::IntArrayRef latent_shape,
                                   float sigma, const std::optional<LatentWindow>& window) const;
  // Of a latent without windows: made once, since fades and masks are the same at every step.
  const CondShare& whole_share(std::size_t position, at::IntArrayRef latent_shape) const;
  // Gives a list's default conds what the others leave.
  void share_with_defaults(ListId list, float sigma, at::IntArrayRef window_shape,
                           std::vector<CondShare>& shares) const;
  void add_calls(DenoiseCall call, const std::vector<std::size_t>& members, CondPlan& plan) const;
  // Results by the cond's position, items together; undefined where it took no part.
  std::vector<at::Tensor> by_cond(const CondPlan& plan, std::span<const at::Tensor> results) const;
  // Of a list's conds that took part.
  std::vector<std::size_t> positions_of(ListId list,
                                        const std::vector<at::Tensor>& predictions) const;
  at::Tensor merge_list(ListId list, const CondPlan& plan,
                        const std::vector<at::Tensor>& predictions) const;

  at::Tensor total_weight(ListId list, const CondPlan& plan,
                          const std::vector<std::size_t>& own) const;

  struct KnownTotal {
    std::vector<std::size_t> positions;
    std::vector<at::Tensor> weights;
    at::Tensor total;
  };

  std::vector<PlacedCond> conds_;
  std::vector<std::vector<std::size_t>> groups_;
  bool split_items_;
  mutable std::vector<std::int64_t> known_shape_;
  mutable std::vector<std::optional<CondShare>> known_shares_;
  mutable std::map<ListId, KnownTotal> known_totals_;
};

}  // namespace tandem::coordinator
