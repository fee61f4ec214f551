#include "coordinator/dispatch/fair_share.hpp"

#include <algorithm>
#include <vector>

namespace tandem::coordinator {

void FairShare::join(const std::string& who) {
  if (here_.contains(who)) return;
  const auto before = away_.find(who);
  const double used = before == away_.end() ? 0.0 : before->second;
  if (before != away_.end()) away_.erase(before);
  here_[who] = std::max(floor_, used);
}

void FairShare::leave(const std::string& who) {
  const auto it = here_.find(who);
  if (it == here_.end()) return;
  away_.insert(*it);
  here_.erase(it);
  raise_floor();
}

void FairShare::keep_only(const std::function<bool(const std::string&)>& wants) {
  std::vector<std::string> leaving;
  for (const auto& [who, used] : here_) {
    if (!wants(who)) leaving.push_back(who);
  }
  for (const std::string& who : leaving)
    leave(who);
}

void FairShare::charge(const std::string& who, double amount) {
  const auto it = here_.find(who);
  if (it == here_.end()) return;
  it->second += amount;
  raise_floor();
}

double FairShare::used(const std::string& who) const {
  const auto it = here_.find(who);
  return it == here_.end() ? 0.0 : it->second;
}

// Where nobody is left, nobody was kept from anything: all begin anew.
void FairShare::raise_floor() {
  if (here_.empty()) {
    away_.clear();
    return;
  }
  const auto least = std::ranges::min_element(here_, {}, &Shares::value_type::second);
  floor_ = std::max(floor_, least->second);
  std::erase_if(away_, [&](const auto& entry) { return entry.second <= floor_; });
}

}  // namespace tandem::coordinator
