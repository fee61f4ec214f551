#include "coordinator/sampling/noise/seed_sequence.hpp"

#include <algorithm>

namespace tandem::coordinator {
namespace {

constexpr std::uint32_t kInitPool = 0x43b0d7e5;
constexpr std::uint32_t kMultiplyPool = 0x931e8875;
constexpr std::uint32_t kInitState = 0x8b51f9dd;
constexpr std::uint32_t kMultiplyState = 0x58f38ded;
constexpr std::uint32_t kMixLeft = 0xca01f9dd;
constexpr std::uint32_t kMixRight = 0x4973f715;
constexpr int kWordBits = 32;
constexpr int kShift = 16;

// A hash whose constant moves on with every word.
class Hash {
 public:
  Hash(std::uint32_t init, std::uint32_t multiplier) : constant_(init), multiplier_(multiplier) {}

  std::uint32_t operator()(std::uint32_t value) {
    value ^= constant_;
    constant_ *= multiplier_;
    value *= constant_;
    return value ^ (value >> kShift);
  }

 private:
  std::uint32_t constant_;
  std::uint32_t multiplier_;
};

std::uint32_t mix_words(std::uint32_t x, std::uint32_t y) {
  const std::uint32_t mixed = kMixLeft * x - kMixRight * y;
  return mixed ^ (mixed >> kShift);
}

// Low words first, and no zero above the highest one.
void append_words(std::uint64_t number, std::vector<std::uint32_t>& words) {
  words.push_back(static_cast<std::uint32_t>(number));
  if (number >> kWordBits != 0) words.push_back(static_cast<std::uint32_t>(number >> kWordBits));
}

}  // namespace

SeedSequence::SeedSequence(std::uint64_t entropy, std::span<const std::uint64_t> spawn_key,
                           std::size_t pool_size)
    : pool_(pool_size) {
  std::vector<std::uint32_t> words;
  append_words(entropy, words);
  // Filled up, so that a key is not taken for more entropy.
  if (!spawn_key.empty() && words.size() < pool_size) words.resize(pool_size);
  for (const std::uint64_t part : spawn_key)
    append_words(part, words);
  mix(words);
}

void SeedSequence::mix(std::span<const std::uint32_t> entropy) {
  Hash hash(kInitPool, kMultiplyPool);
  for (std::size_t i = 0; i < pool_.size(); ++i) {
    pool_[i] = hash(i < entropy.size() ? entropy[i] : 0);
  }
  for (std::size_t from = 0; from < pool_.size(); ++from) {
    for (std::size_t to = 0; to < pool_.size(); ++to) {
      if (from != to) pool_[to] = mix_words(pool_[to], hash(pool_[from]));
    }
  }
  for (std::size_t from = pool_.size(); from < entropy.size(); ++from) {
    for (std::uint32_t& word : pool_)
      word = mix_words(word, hash(entropy[from]));
  }
}

std::vector<std::uint32_t> SeedSequence::generate_state(std::size_t words) const {
  Hash hash(kInitState, kMultiplyState);
  std::vector<std::uint32_t> state;
  for (std::size_t i = 0; i < words; ++i)
    state.push_back(hash(pool_[i % pool_.size()]));
  return state;
}

}  // namespace tandem::coordinator
