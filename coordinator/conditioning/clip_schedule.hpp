// The ranges of a run in which a text is encoded with the same hooks (schedule_clip).
#pragma once

#include <string>
#include <vector>

#include "coordinator/conditioning/hook_groups.hpp"
#include "coordinator/units/unit_runner.hpp"

namespace tandem::coordinator {

struct ClipRange {
  double start_percent = 0.0;
  double end_percent = 1.0;
  std::vector<HookStrength> hooks;  // at their strength on the text encoder
};

// Without schedule: one range, at the hooks' own strengths. With it (ComfyUI's
// get_hooks_for_clip_schedule): between all percents at which a hook's keyframes change its
// strength; where no keyframe of a hook reaches, it counts with its own strength.
std::vector<ClipRange> clip_ranges(const HookGroups& groups, const std::vector<std::string>& ids,
                                   bool schedule);

}  // namespace tandem::coordinator
