// THE table of the kinds of patches: their names, and the parts that each is made of.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "protocol/evaluator/requests.hpp"
#include "protocol/object_reader.hpp"

namespace tandem::evaluator {

// A part by its name in a request, and what its tensor is called in a LoRA's file behind the name
// of the weight.
struct PatchPart {
  std::string_view name;
  std::string_view ending;
};

inline constexpr std::array kLoraParts = {
    PatchPart{"up", ".lora_up.weight"}, PatchPart{"down", ".lora_down.weight"},
    PatchPart{"mid", ".lora_mid.weight"}, PatchPart{"dora_scale", ".dora_scale"}};
inline constexpr std::array kLohaParts = {
    PatchPart{"w1_a", ".hada_w1_a"},       PatchPart{"w1_b", ".hada_w1_b"},
    PatchPart{"w2_a", ".hada_w2_a"},       PatchPart{"w2_b", ".hada_w2_b"},
    PatchPart{"t1", ".hada_t1"},           PatchPart{"t2", ".hada_t2"},
    PatchPart{"dora_scale", ".dora_scale"}};
inline constexpr std::array kLokrParts = {
    PatchPart{"w1", ".lokr_w1"},     PatchPart{"w2", ".lokr_w2"},
    PatchPart{"w1_a", ".lokr_w1_a"}, PatchPart{"w1_b", ".lokr_w1_b"},
    PatchPart{"w2_a", ".lokr_w2_a"}, PatchPart{"w2_b", ".lokr_w2_b"},
    PatchPart{"t2", ".lokr_t2"},     PatchPart{"dora_scale", ".dora_scale"}};
inline constexpr std::array kDiffParts = {PatchPart{"diff", ".diff"}};
inline constexpr std::array kSetParts = {PatchPart{"set", ".set_weight"}};

inline constexpr std::array kPatchKinds = {
    Named<PatchKind>{"lora", PatchKind::kLora}, Named<PatchKind>{"loha", PatchKind::kLoha},
    Named<PatchKind>{"lokr", PatchKind::kLokr}, Named<PatchKind>{"diff", PatchKind::kDiff},
    Named<PatchKind>{"set", PatchKind::kSet},
};

constexpr std::span<const PatchPart> parts_of(PatchKind kind) {
  switch (kind) {
    case PatchKind::kLora:
      return kLoraParts;
    case PatchKind::kLoha:
      return kLohaParts;
    case PatchKind::kLokr:
      return kLokrParts;
    case PatchKind::kDiff:
      return kDiffParts;
    case PatchKind::kSet:
      break;
  }
  return kSetParts;
}

// nullptr where the kind has no such part.
constexpr const PatchPart* find_part(PatchKind kind, std::string_view name) {
  const auto parts = parts_of(kind);
  const auto part = std::find_if(parts.begin(), parts.end(), [&](const PatchPart& candidate) {
    return candidate.name == name;
  });
  return part == parts.end() ? nullptr : &*part;
}

}  // namespace tandem::evaluator
