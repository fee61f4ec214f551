// A step's forward passes, and what becomes of their results (ComfyUI's calc_cond_batch).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/conditioning/cond_list.hpp"
#include "coordinator/conditioning/resolved_cond.hpp"
#include "coordinator/units/unit_runner.hpp"

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
};

// Pure: no call of it changes it.
class CondSplitter {
 public:
  // groups: positions in conds, every one at most once (group_conds).
  CondSplitter(std::vector<PlacedCond> conds, std::vector<std::vector<std::size_t>> groups);

  // The groups' conds that belong to lists and are active at sigma; groups without any are left
  // out. x: (batch, channels, height, width) float32.
  CondPlan split(std::span<const ListId> lists, const at::Tensor& x, float sigma) const;

  // The prediction of each list, in the order of lists, of x's shape: sum(strength * result) /
  // (1e-37 + sum(strength)) over its active conds, in their order; zeros where there are none.
  // results: as UnitRunner::denoise gives them for plan.calls. Throws Error(kInternal) if their
  // shapes are others.
  std::vector<at::Tensor> merge(std::span<const ListId> lists, const at::Tensor& x,
                                const CondPlan& plan, std::span<const at::Tensor> results) const;

 private:
  // Results by the cond's position; undefined where it took no part.
  std::vector<at::Tensor> by_cond(const at::Tensor& x, const CondPlan& plan,
                                  std::span<const at::Tensor> results) const;

  std::vector<PlacedCond> conds_;
  std::vector<std::vector<std::size_t>> groups_;
};

}  // namespace tandem::coordinator
