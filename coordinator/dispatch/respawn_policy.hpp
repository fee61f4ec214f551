// When a worker that died is started again. One that did useful work first is replaced at once; one
// that keeps dying without any waits longer each time and is taken out of service in the end.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

namespace tandem::coordinator {

struct RespawnPolicy {
  std::chrono::milliseconds first_wait{500};
  std::chrono::milliseconds longest_wait{30'000};
  int idle_deaths_until_quarantine = 6;             // in a row, without a unit done in between
  std::chrono::milliseconds healthy_after{30'000};  // a life this long counts as work
  std::chrono::milliseconds start_up_limit{60'000};
};

// Deaths in a row of the processes of one slot that had not finished a unit.
class RespawnHistory {
 public:
  void did_work() { idle_deaths_ = 0; }

  // How long to wait before the next start; nullopt: no more starts.
  std::optional<std::chrono::milliseconds> died(const RespawnPolicy& policy) {
    ++idle_deaths_;
    if (idle_deaths_ >= policy.idle_deaths_until_quarantine) return std::nullopt;
    if (idle_deaths_ <= 1) return std::chrono::milliseconds(0);
    auto wait = policy.first_wait;
    for (int i = 2; i < idle_deaths_ && wait < policy.longest_wait; ++i)
      wait *= 2;
    return std::min(wait, policy.longest_wait);
  }

 private:
  int idle_deaths_ = 0;
};

}  // namespace tandem::coordinator
