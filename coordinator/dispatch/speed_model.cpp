#include "coordinator/dispatch/speed_model.hpp"

#include <cstdlib>

namespace tandem::coordinator {
namespace {

constexpr double kSmoothing = 0.25;  // share of the newest time

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

}  // namespace

void SpeedModel::learn(std::size_t slot, const std::string& shape, int crowd, double seconds) {
  if (!(seconds > 0.0)) return;
  Shape& known_shape = touch(shape);
  if (crowd > 1) ++known_shape.crowded_units;
  ByCrowd& crowds = known_shape.slots[slot];
  const bool first_here = crowds.empty();
  const auto [it, is_new] = crowds.try_emplace(crowd, Measured{seconds, !first_here});
  if (is_new) return;
  Measured& known = it->second;
  known.seconds = known.warm ? known.seconds + kSmoothing * (seconds - known.seconds) : seconds;
  known.warm = true;
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
  return known->second.seconds * slow_down(shape.slots, known->first, crowd);
}

std::optional<double> SpeedModel::of_others(const Shape& shape, int crowd) const {
  double sum = 0.0;
  for (const auto& [slot, crowds] : shape.slots)
    sum += *of_slot(shape, slot, crowd);
  if (shape.slots.empty()) return std::nullopt;
  return sum / static_cast<double>(shape.slots.size());
}

}  // namespace tandem::coordinator
