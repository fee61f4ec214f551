#include "tools/tandem/respawn_budget.hpp"

#include <algorithm>
#include <utility>

namespace tandem::client {

std::optional<std::chrono::milliseconds> RespawnBudget::died(Clock::time_point born,
                                                             Clock::time_point now) {
  while (!deaths_.empty() && now - deaths_.front() > kWindow)
    deaths_.pop_front();
  deaths_.push_back(now);
  if (deaths_.size() >= kDeaths) return std::nullopt;
  if (now - born > kWindow) wait_ = kFirst;
  return std::exchange(wait_, std::min(wait_ * 2, kLongest));
}

}  // namespace tandem::client
