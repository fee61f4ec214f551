// What was made last stays, as far as a budget goes: least recently used goes first.
#pragma once

#include <cstdint>
#include <list>
#include <utility>

namespace tandem::models {

// For a handful of entries: keys are compared one after the other. The newest entry stays even
// where it is above the budget by itself, until the next trim() or put(); a budget of 0 so keeps
// one.
template <class Key, class Value>
class RecentCache {
 public:
  explicit RecentCache(std::uint64_t budget) : budget_(budget) {}

  void set_budget(std::uint64_t budget) { budget_ = budget; }

  // nullptr where it is not there. What is found counts as used.
  const Value* find(const Key& key) {
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (!(entry->key == key)) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return &entry->value;
    }
    return nullptr;
  }

  // Drops what is above the budget, the newest as well: before another one is made beside it.
  void trim() { drop_to(0); }

  void clear() {
    entries_.clear();
    used_ = 0;
  }

  // cost: in the budget's unit.
  const Value& put(Key key, Value value, std::uint64_t cost) {
    entries_.push_front({std::move(key), std::move(value), cost});
    used_ += cost;
    drop_to(1);
    return entries_.front().value;
  }

  std::uint64_t used() const { return used_; }

 private:
  struct Entry {
    Key key;
    Value value;
    std::uint64_t cost = 0;
  };

  // A budget of 0 leaves no room for entries that cost nothing either.
  void drop_to(std::size_t least) {
    while (entries_.size() > least && (used_ > budget_ || budget_ == 0)) {
      used_ -= entries_.back().cost;
      entries_.pop_back();
    }
  }

  std::uint64_t budget_;
  std::uint64_t used_ = 0;
  std::list<Entry> entries_;  // last used first
};

}  // namespace tandem::models
