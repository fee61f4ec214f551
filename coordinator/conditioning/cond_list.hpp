// The lists of conds that a job has.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tandem::coordinator {

enum class ListId : std::uint8_t { kPositive, kNegative, kMiddle };

// An evaluator's lists have numbers alone, below 256.
constexpr ListId numbered_list(std::size_t number) {
  return static_cast<ListId>(number);
}

constexpr ListId kLists[] = {ListId::kPositive, ListId::kNegative, ListId::kMiddle};

// "positive", "negative", "middle": the keys of the job format.
constexpr const char* name(ListId list) {
  switch (list) {
    case ListId::kPositive:
      return "positive";
    case ListId::kNegative:
      return "negative";
    case ListId::kMiddle:
      break;
  }
  return "middle";
}

}  // namespace tandem::coordinator
