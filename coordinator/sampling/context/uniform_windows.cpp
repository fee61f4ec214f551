#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>

#include "coordinator/sampling/context/context_schedules.hpp"

namespace tandem::coordinator {
namespace {

using Window = std::vector<std::int64_t>;

int used_strides(std::int64_t length, const job::Context& context) {
  const double windows = static_cast<double>(length) / context.length;
  return std::min(context.stride, static_cast<int>(std::ceil(std::log2(windows))) + 1);
}

// Round the end, from every start; `tail`: how far before the end (and its padding) starts stop.
ContextWindows windows_round_the_end(std::int64_t length, const job::Context& context,
                                     std::size_t step, std::int64_t tail) {
  ContextWindows windows;
  const double halving = ordered_halving(step);
  const std::int64_t pad = std::llrint(static_cast<double>(length) * halving);
  for (int stride = 0; stride < used_strides(length, context); ++stride) {
    const std::int64_t spacing = std::int64_t{1} << stride;
    const auto offset = static_cast<std::int64_t>(halving * static_cast<double>(spacing));
    for (std::int64_t first = offset + pad; first < length + pad - tail;
         first += context.length * spacing - context.overlap) {
      Window& window = windows.emplace_back();
      for (int i = 0; i < context.length; ++i)
        window.push_back((first + i * spacing) % length);
    }
  }
  return windows;
}

// The first index after the window went round the end.
std::optional<std::int64_t> index_past_the_end(const Window& window, std::int64_t length) {
  for (std::size_t i = 1; i < window.size(); ++i) {
    if (window[i] % length < window[i - 1] % length) return window[i];
  }
  return std::nullopt;
}

void move_to_the_end(Window& window, std::int64_t length) {
  const std::int64_t first = window.front();
  for (std::int64_t& index : window)
    index = (index - first + length) % length;
  const std::int64_t distance = length - 1 - window.back();
  for (std::int64_t& index : window)
    index += distance;
}

bool contains(const Window& window, std::int64_t index) {
  return std::find(window.begin(), window.end(), index) != window.end();
}

// Moves windows that go round, and puts one in at the beginning where that leaves a gap.
void straighten(ContextWindows& windows, std::int64_t length, std::int64_t window_length) {
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto past = index_past_the_end(windows[i], length);
    if (!past) continue;
    move_to_the_end(windows[i], length);
    if (contains(windows[(i + 1) % windows.size()], *past)) continue;
    Window gap(static_cast<std::size_t>(window_length));
    std::iota(gap.begin(), gap.end(), *past);
    windows.insert(windows.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(gap));
  }
}

ContextWindows without_repeats(const ContextWindows& windows) {
  ContextWindows kept;
  std::set<Window> seen;
  for (const Window& window : windows) {
    if (seen.insert(window).second) kept.push_back(window);
  }
  return kept;
}

}  // namespace

double ordered_halving(std::size_t step) {
  double share = 0.0;
  for (double bit = 0.5; step > 0; step >>= 1, bit /= 2) {
    if ((step & 1) != 0) share += bit;
  }
  return share;
}

ContextWindows looped_uniform_windows(std::int64_t length, const job::Context& context,
                                      std::size_t step) {
  if (length < context.length) {
    Window all(static_cast<std::size_t>(length));
    std::iota(all.begin(), all.end(), 0);
    return {all};
  }
  return windows_round_the_end(length, context, step, context.closed_loop ? 0 : context.overlap);
}

ContextWindows standard_uniform_windows(std::int64_t length, const job::Context& context,
                                        std::size_t step) {
  if (length <= context.length) return standard_static_windows(length, context, step);
  ContextWindows windows = windows_round_the_end(length, context, step, context.overlap);
  straighten(windows, length, context.length);
  return without_repeats(windows);
}

}  // namespace tandem::coordinator
