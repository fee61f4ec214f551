// Waiting without sleep, for a short while. A thread that sleeps needs some ten microseconds to
// wake, and a step has four such waits, which counts where a GPU needs a few milliseconds for it.
#pragma once

#include <chrono>

namespace tandem::ipc {

// How long a thread looks again and again before it sleeps: longer than most units that are short
// enough for the difference to matter.
inline constexpr std::chrono::milliseconds kBusyWait{25};

// Whether the io thread should poll rather than sleep. Not thread-safe; knows no clock.
class BusyWait {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Never, where it is not enabled.
  explicit BusyWait(bool enabled) : enabled_(enabled) {}

  // A unit was handed to a worker, whose answer may come soon; or an answer came, and the job's
  // thread may soon have the next units.
  void expect_more(TimePoint now) { until_ = now + kBusyWait; }

  bool is_on(TimePoint now) const { return enabled_ && now < until_; }

 private:
  bool enabled_;
  TimePoint until_{};
};

}  // namespace tandem::ipc
