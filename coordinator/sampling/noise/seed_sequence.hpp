// NumPy's SeedSequence: seeds of independent streams out of one number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tandem::coordinator {

// A pool of hashed words, as numpy.random.SeedSequence(entropy, spawn_key=..., pool_size=...) fills
// it (after M. E. O'Neill's seed_seq).
class SeedSequence {
 public:
  // spawn_key tells the streams of one entropy apart; empty for the first. pool_size: at least 1.
  SeedSequence(std::uint64_t entropy, std::span<const std::uint64_t> spawn_key,
               std::size_t pool_size);

  // The first `words` words of the sequence; the same at every call.
  std::vector<std::uint32_t> generate_state(std::size_t words) const;

 private:
  void mix(std::span<const std::uint32_t> entropy);

  std::vector<std::uint32_t> pool_;
};

}  // namespace tandem::coordinator
