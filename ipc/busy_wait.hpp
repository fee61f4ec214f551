// Waiting without sleep, for a short while. A thread that sleeps needs some ten microseconds to
// wake, and a step has four such waits, which counts where a GPU needs a few milliseconds for it.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>

namespace tandem::ipc {

// How long a thread looks again and again before it sleeps: longer than most units that are short
// enough for the difference to matter.
inline constexpr std::chrono::milliseconds kBusyWait{25};

// Between two looks of a thread that polls: leaves the core to the other thread that it may run.
inline void relax_core() {
  __builtin_ia32_pause();
}

// What the io thread looks at while it polls. On that thread.
class Polled {
 public:
  virtual ~Polled() = default;

  // look() is called soon, again and again: whoever has something for this need not wake anybody.
  virtual void stay_awake() = 0;
  virtual void look() = 0;
  // No more: handles what came so far; who has something from now on must wake the io thread.
  virtual void fall_asleep() = 0;
};

// Whether the io thread should poll rather than sleep, and its loop. Not thread-safe.
class BusyWait {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Never, where it is not enabled.
  explicit BusyWait(bool enabled) : enabled_(enabled) {}

  // A unit was handed to a worker, whose answer may come soon; or an answer came, and the job's
  // thread may soon have the next units.
  void expect_more(TimePoint now) { until_ = now + kBusyWait; }

  bool is_on(TimePoint now) const { return enabled_ && now < until_; }

  // Is looked at as long as it lives.
  void add(std::weak_ptr<Polled> polled);

  // Runs the io_context until it is stopped.
  void run(boost::asio::io_context& io);

 private:
  void poll(boost::asio::io_context& io);
  std::vector<std::shared_ptr<Polled>> living() const;

  bool enabled_;
  bool is_polling_ = false;
  TimePoint until_{};
  std::vector<std::weak_ptr<Polled>> polled_;
};

}  // namespace tandem::ipc
