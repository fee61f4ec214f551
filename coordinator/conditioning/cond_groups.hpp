// Which conds share a forward pass. Decided once, when a job starts, from values that do not change
// during it: a group is a unit of work, and units are moved, never regrouped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/conditioning/resolved_cond.hpp"
#include "protocol/job/job.hpp"
#include "protocol/latent_region.hpp"

namespace tandem::coordinator {

// THE table: how many conds one forward pass may take on a kind of device. On one device a shared
// pass is the faster one; the limit bounds its memory.
struct BatchingRow {
  std::string_view device_kind;
  std::size_t largest_group;
};
inline constexpr BatchingRow kBatchingTable[] = {
    {"cpu", 4},
    {"gpu", 4},
    {"sim", 4},
};

// What decides whether conds fit into one pass.
struct CondShape {
  std::int64_t tokens = 0;
  std::int64_t width = 0;
  std::int64_t pooled_width = 0;        // 0: none
  std::optional<LatentArea> area = {};  // a pass sees one part of the latent
  std::vector<std::string> hooks = {};  // groups of hooks: one pass has one set of weights
  std::vector<PluginHook> plugin_hooks = {};

  bool operator==(const CondShape&) const = default;
};

CondShape shape_of(const ResolvedCond& cond);

// The most conds of a job that share a pass: 1 for exact; for auto ceil(passes / workers), so that
// every worker has work, within the table's limit. passes: of a step, were none shared. A kind that
// the table lacks shares nothing.
std::size_t largest_group(job::Batching batching, std::size_t passes, std::size_t workers,
                          std::string_view device_kind);

// Groups of positions in conds, each in ascending order, ordered by their first. Conds share a
// group if they have the same area, kinds, widths and hooks and their token counts, repeated to the
// least common multiple, grow at most fourfold (ComfyUI's CONDCrossAttn).
std::vector<std::vector<std::size_t>> group_conds(std::span<const CondShape> conds,
                                                  std::size_t largest);

}  // namespace tandem::coordinator
