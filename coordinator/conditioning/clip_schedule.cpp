#include "coordinator/conditioning/clip_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "coordinator/conditioning/hook_schedule.hpp"

namespace tandem::coordinator {
namespace {

struct Span {
  double start = 0.0;
  double end = 1.0;
  double strength = 1.0;
};

// Python's math.isclose.
bool is_close(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::max(std::abs(a), std::abs(b));
}

// Keyframes of one strength that follow each other are one span; of those with one start the last
// counts.
std::vector<Span> spans_of(const job::Hook& hook) {
  const std::vector<job::Keyframe> keyframes = sorted_keyframes(hook);
  if (keyframes.empty()) return {Span{}};
  std::vector<Span> spans;
  const job::Keyframe* last = &keyframes.front();
  for (const job::Keyframe& keyframe : keyframes) {
    const bool later = keyframe.start_percent > last->start_percent;
    if (later && !is_close(keyframe.strength, last->strength)) {
      spans.push_back({last->start_percent, keyframe.start_percent, last->strength});
      last = &keyframe;
    } else if (!later) {
      last = &keyframe;
    }
  }
  if (!is_close(last->start_percent, 1.0)) {
    spans.push_back({last->start_percent, 1.0, last->strength});
  }
  return spans;
}

double factor_in(const std::vector<Span>& spans, const ClipRange& range) {
  const auto span = std::ranges::find_if(spans, [&](const Span& s) {
    return s.start < range.end_percent && s.end > range.start_percent;
  });
  return span != spans.end() ? span->strength : 1.0;
}

}  // namespace

std::vector<ClipRange> clip_ranges(const HookGroups& groups, const std::vector<std::string>& ids,
                                   bool schedule) {
  const std::vector<const job::Hook*> hooks = weight_hooks(groups, ids);
  std::vector<std::vector<Span>> spans;
  std::set<double> borders = {0.0};
  for (const job::Hook* hook : hooks) {
    spans.push_back(schedule ? spans_of(*hook) : std::vector<Span>{Span{}});
    for (const Span& span : spans.back())
      borders.insert({span.start, span.end});
  }
  if (borders.size() < 2) borders.insert(1.0);
  std::vector<ClipRange> ranges;
  for (auto start = borders.begin(); std::next(start) != borders.end(); ++start) {
    ClipRange& range = ranges.emplace_back(ClipRange{*start, *std::next(start), {}});
    for (std::size_t i = 0; i < hooks.size(); ++i) {
      const double factor = factor_in(spans[i], range);
      range.hooks.push_back({hooks[i]->file, scaled_strength(hooks[i]->strength_clip, factor)});
    }
  }
  return ranges;
}

}  // namespace tandem::coordinator
