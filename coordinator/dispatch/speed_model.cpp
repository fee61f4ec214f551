#include "coordinator/dispatch/speed_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace tandem::coordinator {
namespace {

constexpr double kSmoothing = 0.25;  // share of the newest time
constexpr double kMostGrowth = 2.0;  // what a single time may say

// A worker that is four times as slow as others is tried again after about 190 units, which costs
// about 1 %; one that had a hiccup is back sooner.
constexpr std::size_t kPatience = 50;  // other units before a time begins to fade
constexpr double kFade = 0.99;         // with each further one
// A first time that is so many times the best is taken for one of warming up.
constexpr double kColdFactor = 8.0;
constexpr std::size_t kColdPatience = 4;  // other units before such a slot is tried again

double faded(double seconds, std::size_t passed_over) {
  if (passed_over <= kPatience) return seconds;
  return seconds * std::pow(kFade, static_cast<double>(passed_over - kPatience));
}

// The measured crowd that is nearest; crowds is not empty.
template <class Crowds>
typename Crowds::const_iterator nearest(const Crowds& crowds, int crowd) {
  auto best = crowds.begin();
  for (auto it = crowds.begin(); it != crowds.end(); ++it) {
    if (std::abs(it->first - crowd) < std::abs(best->first - crowd)) best = it;
  }
  return best;
}

// How much slower a crowd of `to` is than one of `from`, by the slots that know both; 1 where none
// does.
template <class Slots>
double slow_down(const Slots& slots, int from, int to) {
  double sum = 0.0;
  int known = 0;
  for (const auto& [slot, crowds] : slots) {
    const auto before = crowds.find(from);
    const auto after = crowds.find(to);
    if (before == crowds.end() || after == crowds.end()) continue;
    sum += after->second.seconds / before->second.seconds;
    ++known;
  }
  return known > 0 ? sum / known : 1.0;
}

// The shortest time of any slot in a crowd of at most that size: a larger one is no faster.
template <class Slots>
double fastest(const Slots& slots, int crowd) {
  double best = std::numeric_limits<double>::infinity();
  for (const auto& [slot, crowds] : slots) {
    for (auto it = crowds.begin(); it != crowds.end() && it->first <= crowd; ++it)
      best = std::min(best, it->second.seconds);
  }
  return best;
}

}  // namespace

void SpeedModel::learn(std::size_t slot, const std::string& shape, int crowd, double seconds) {
  if (!(seconds > 0.0)) return;
  Shape& known_shape = touch(shape);
  if (crowd > 1) ++known_shape.crowded_units;
  for (auto& [index, crowds] : known_shape.slots) {
    for (auto& [size, measured] : crowds)
      ++measured.passed_over;
  }
  ByCrowd& crowds = known_shape.slots[slot];
  const bool first_here = crowds.empty();
  const auto [it, is_new] =
      crowds.try_emplace(crowd, Measured{seconds, first_here ? 1 : kWarmUpUnits, 0});
  if (is_new) return;
  Measured& known = it->second;
  const double step = std::min(seconds, kMostGrowth * known.seconds) - known.seconds;
  known.seconds += known.is_warm() ? kSmoothing * step : std::min(step, 0.0);
  known.times = std::min(known.times + 1, kWarmUpUnits);
  known.passed_over = 0;
}

std::optional<double> SpeedModel::seconds(std::size_t slot, const std::string& shape,
                                          int crowd) const {
  const auto it = shapes_.find(shape);
  if (it == shapes_.end()) return std::nullopt;
  if (const auto own = of_slot(it->second, slot, crowd)) return own;
  return of_others(it->second, crowd);
}

bool SpeedModel::has_measured(std::size_t slot, const std::string& shape, int crowd) const {
  const auto it = shapes_.find(shape);
  if (it == shapes_.end()) return false;
  const auto crowds = it->second.slots.find(slot);
  return crowds != it->second.slots.end() && crowds->second.contains(crowd);
}

std::size_t SpeedModel::crowded_units(const std::string& shape) const {
  const auto it = shapes_.find(shape);
  return it == shapes_.end() ? 0 : it->second.crowded_units;
}

SpeedModel::Shape& SpeedModel::touch(const std::string& name) {
  auto it = shapes_.find(name);
  if (it != shapes_.end()) {
    recency_.splice(recency_.begin(), recency_, it->second.recency);
    return it->second;
  }
  if (shapes_.size() == kMostShapes) {
    shapes_.erase(recency_.back());
    recency_.pop_back();
  }
  recency_.push_front(name);
  return shapes_.emplace(name, Shape{{}, 0, recency_.begin()}).first->second;
}

std::optional<double> SpeedModel::of_slot(const Shape& shape, std::size_t slot, int crowd) const {
  const auto crowds = shape.slots.find(slot);
  if (crowds == shape.slots.end()) return std::nullopt;
  const auto known = nearest(crowds->second, crowd);
  // Nobody is thought better of than the best that is known.
  const double best = fastest(shape.slots, known->first);
  const Measured& measured = known->second;
  const bool is_no_verdict = !measured.is_warm() && measured.passed_over >= kColdPatience &&
                             measured.seconds > kColdFactor * best;
  const double seconds =
      is_no_verdict ? best : std::max(faded(measured.seconds, measured.passed_over), best);
  return seconds * slow_down(shape.slots, known->first, crowd);
}

std::optional<double> SpeedModel::of_others(const Shape& shape, int crowd) const {
  double sum = 0.0;
  for (const auto& [slot, crowds] : shape.slots)
    sum += *of_slot(shape, slot, crowd);
  if (shape.slots.empty()) return std::nullopt;
  return sum / static_cast<double>(shape.slots.size());
}

}  // namespace tandem::coordinator
