// THE table of how files write changes of weights, by the names of their tensors. Without LibTorch;
// deltas.cpp computes what stands here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/patches/lora_keys.hpp"

namespace tandem::models {

enum class DeltaFormat : std::uint8_t { kLora, kLoha, kLokr, kGlora, kOft, kDiff, kSet };

// A row: the endings that follow a weight's name, in the order in which the format's function takes
// the tensors. Any of the first `marks` shows the format.
struct DeltaNames {
  DeltaFormat format;
  std::vector<std::string_view> endings;
  std::size_t marks = 1;
  bool of_bias = false;  // the change is of the bias beside the weight
};

// Of two rows for one weight in one file the later one counts.
std::span<const DeltaNames> delta_names();

// Endings that any format may have.
inline constexpr std::string_view kAlpha = ".alpha";
inline constexpr std::string_view kDoraScale = ".dora_scale";
inline constexpr std::string_view kReshape = ".reshape_weight";

// One weight's change: a row of the table, and the name that its endings follow.
struct NamedDelta {
  const DeltaNames* row = nullptr;
  std::string name;
  PatchTarget target;  // of a bias: `weight` is the bias
};

// Where in a part a change goes, so that two files' changes of one place are applied in order.
using DeltaPlace = std::pair<std::string, std::optional<RowRange>>;

// The changes that a file with tensors of these names holds for the weights of `keys`.
std::map<DeltaPlace, NamedDelta> find_deltas(const std::vector<std::string>& tensors,
                                             const LoraKeys& keys);

// Those of the tensors' names that are part of no change of any of these parts of a model.
std::vector<std::string> unmatched_names(const std::vector<std::string>& tensors,
                                         std::span<const LoraKeys> parts);

}  // namespace tandem::models
