// How long units take on each worker: learned from those that ran, guessed for those that did not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

namespace tandem::coordinator {

// Pure book-keeping: times go in, estimates come out. Slots are counted as the dispatcher counts
// them; a shape is what makes two units cost the same (their kind, model and sizes); `crowd` is the
// number of workers of the same device that compute at the same time, 1 for one that is alone.
class SpeedModel {
 public:
  // A unit of the shape took so long. Of the first kWarmUpUnits times on a slot the shortest
  // counts: the others warmed the model up (libraries were loaded, kernels recorded). Later ones
  // are smoothed, and none counts as more than twice what was known, so that a hiccup is no
  // verdict.
  void learn(std::size_t slot, const std::string& shape, int crowd, double seconds);

  // The estimate in seconds, the best that is known: of this slot in this crowd; of this slot in
  // another crowd, scaled as other slots are slowed; of other slots. A slot that was passed over
  // for long is thought better of again, so that it is tried once more; one that has not warmed up
  // yet, soon. Nothing where the shape has never run.
  std::optional<double> seconds(std::size_t slot, const std::string& shape, int crowd) const;

  // Whether a unit of the shape ran there in a crowd of this size.
  bool has_measured(std::size_t slot, const std::string& shape, int crowd) const;

  // Units of the shape that ran in a crowd of two or more, on all slots.
  std::size_t crowded_units(const std::string& shape) const;

  static constexpr int kWarmUpUnits = 3;

  // Shapes that are remembered; the one that ran longest ago goes first.
  static constexpr std::size_t kMostShapes = 256;

 private:
  struct Measured {
    double seconds = 0.0;
    int times = 0;                // up to kWarmUpUnits
    std::size_t passed_over = 0;  // units of the shape that ran since

    bool is_warm() const { return times >= kWarmUpUnits; }
  };
  using ByCrowd = std::map<int, Measured>;

  struct Shape {
    std::map<std::size_t, ByCrowd> slots;
    std::size_t crowded_units = 0;
    std::list<std::string>::iterator recency;
  };

  Shape& touch(const std::string& shape);
  std::optional<double> of_slot(const Shape& shape, std::size_t slot, int crowd) const;
  std::optional<double> of_others(const Shape& shape, int crowd) const;

  std::unordered_map<std::string, Shape> shapes_;
  std::list<std::string> recency_;  // latest first
};

}  // namespace tandem::coordinator
