// When a coordinator that died is started again, and when no more.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

namespace tandem::client {

// The wait doubles from kFirst to kLongest while deaths follow each other, and begins anew after a
// life longer than kWindow. kDeaths of them within kWindow are the end. A pure function of its
// input.
class RespawnBudget {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kFirst{500};
  static constexpr std::chrono::milliseconds kLongest{30'000};
  static constexpr std::chrono::seconds kWindow{60};
  static constexpr std::size_t kDeaths = 6;  // the first start and five more

  // A coordinator that was started at `born` died: how long to wait before the next; nullopt: give
  // up.
  std::optional<std::chrono::milliseconds> died(Clock::time_point born, Clock::time_point now);

 private:
  std::deque<Clock::time_point> deaths_;
  std::chrono::milliseconds wait_ = kFirst;
};

}  // namespace tandem::client
