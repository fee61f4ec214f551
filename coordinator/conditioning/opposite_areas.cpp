#include "coordinator/conditioning/opposite_areas.hpp"

#include <ATen/ATen.h>

#include "coordinator/conditioning/areas.hpp"

namespace tandem::coordinator {
namespace {

// Whether `other` is to be preferred: the first cond will do, and then any smaller area.
bool is_smaller(const ResolvedCond& other, const ResolvedCond* smallest) {
  if (smallest == nullptr) return true;
  if (!other.area) return false;
  if (!smallest->area) return true;
  return smallest->area->height * smallest->area->width > other.area->height * other.area->width;
}

const ResolvedCond* find_smallest_around(const std::vector<ResolvedCond>& conds,
                                         const LatentArea& area) {
  const ResolvedCond* smallest = nullptr;
  for (const ResolvedCond& cond : conds) {
    if (cond.area && !is_inside(area, *cond.area)) continue;
    if (is_smaller(cond, smallest)) smallest = &cond;
  }
  return smallest;
}

void add_same_area(std::vector<ResolvedCond>& conds, const ResolvedCond& given) {
  const ResolvedCond* const around = find_smallest_around(conds, *given.area);
  if (around == nullptr || around->area == given.area) return;
  ResolvedCond copy = given;
  copy.tensors = around->tensors;
  copy.tensors.plugin_hooks = given.tensors.plugin_hooks;
  conds.push_back(std::move(copy));
}

}  // namespace

void add_opposite_areas(std::vector<CondList>& lists) {
  for (const CondList& from : lists) {
    for (const ResolvedCond& cond : from.conds) {
      if (!cond.area) continue;
      for (CondList& to : lists) {
        if (&to != &from) add_same_area(to.conds, cond);
      }
    }
  }
}

}  // namespace tandem::coordinator
