// Which windows a step has: one function per context schedule of ComfyUI.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/job/job.hpp"

namespace tandem::coordinator {

// Indices of the windows of a step, in the order in which they are fused. length: of the latent
// along the context's dimension. The overlap must be smaller than a window (check_context). An
// index past the end is possible where a stride needs a longer latent.
using ContextWindows = std::vector<std::vector<std::int64_t>>;
using ContextSchedule = ContextWindows (*)(std::int64_t length, const job::Context& context,
                                           std::size_t step);

struct ContextScheduleRow {
  std::string_view name;
  ContextSchedule windows;
  bool is_static = false;  // the same at every step
};

// All schedules of the job format.
std::span<const ContextScheduleRow> context_schedules();
// Throws Error(kOutOfRange) for a name that is not among them.
const ContextScheduleRow& find_context_schedule(std::string_view name);

// The same at every step: each begins where the overlap with the one before does; the last one ends
// with the latent.
ContextWindows standard_static_windows(std::int64_t length, const job::Context& context,
                                       std::size_t step);
// As looped_uniform, but a window that goes round the end is moved to the end instead, and one that
// repeats another is left out.
ContextWindows standard_uniform_windows(std::int64_t length, const job::Context& context,
                                        std::size_t step);
// Evenly spaced windows that begin elsewhere at each step and go round the end; for strides above 1
// also windows that take every 2nd, 4th ... index (animatediff-cli's `uniform`).
ContextWindows looped_uniform_windows(std::int64_t length, const job::Context& context,
                                      std::size_t step);
// One after the other, without overlap; the last one may be shorter.
ContextWindows batched_windows(std::int64_t length, const job::Context& context, std::size_t step);

// 0, 1/2, 1/4, 3/4, 1/8 ...: the bits of step behind the point, the lowest first.
double ordered_halving(std::size_t step);

}  // namespace tandem::coordinator
