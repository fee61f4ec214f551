#include "coordinator/sampling/context/context_schedules.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr std::array kSchedules = {
    ContextScheduleRow{"standard_static", standard_static_windows, true},
    ContextScheduleRow{"standard_uniform", standard_uniform_windows},
    ContextScheduleRow{"looped_uniform", looped_uniform_windows},
    ContextScheduleRow{"batched", batched_windows, true},
};

std::vector<std::int64_t> range(std::int64_t first, std::int64_t end) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(end - first));
  std::iota(indices.begin(), indices.end(), first);
  return indices;
}

}  // namespace

std::span<const ContextScheduleRow> context_schedules() {
  return kSchedules;
}

const ContextScheduleRow& find_context_schedule(std::string_view name) {
  const auto* const row = std::find_if(kSchedules.begin(), kSchedules.end(),
                                       [&](const auto& r) { return r.name == name; });
  if (row != kSchedules.end()) return *row;
  throw Error(ErrorCode::kOutOfRange, "There is no context schedule '" + std::string(name) + "'.",
              "", "context.schedule");
}

ContextWindows standard_static_windows(std::int64_t length, const job::Context& context,
                                       std::size_t) {
  if (length <= context.length) return {range(0, length)};
  ContextWindows windows;
  std::int64_t first = 0;
  for (; first + context.length < length; first += context.length - context.overlap) {
    windows.push_back(range(first, first + context.length));
  }
  windows.push_back(range(length - context.length, length));
  return windows;
}

ContextWindows batched_windows(std::int64_t length, const job::Context& context, std::size_t) {
  ContextWindows windows;
  for (std::int64_t first = 0; first < length; first += context.length) {
    windows.push_back(range(first, std::min(first + context.length, length)));
  }
  return windows;
}

}  // namespace tandem::coordinator
