// Strong types for the numbers that name things, so that one can't be passed for another.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace tandem {

template <class Tag>
struct Id {
  std::uint64_t value = 0;

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 takes the 0 that <=> compares with for one
  auto operator<=>(const Id&) const = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};

using JobId = Id<struct JobTag>;
using UnitId = Id<struct UnitTag>;
using WorkerId = Id<struct WorkerTag>;      // a worker process: its replacement has another
using ModelId = Id<struct ModelTag>;        // a ModelSpec over certain files
using ConstantId = Id<struct ConstantTag>;  // what a job sends to a worker once
using SegmentId = Id<struct SegmentTag>;
// Of a unit that computes with no model.
inline constexpr ModelId kNoModel{0};
// Counts the times that a unit, or a slot, was given out: what carries an older number is late.
using Generation = Id<struct GenerationTag>;

}  // namespace tandem

template <class Tag>
struct std::hash<tandem::Id<Tag>> {
  std::size_t operator()(const tandem::Id<Tag>& id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value);
  }
};
