// A part's networks under the patches that units ask for.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "models/patches/patch_set.hpp"
#include "models/patches/recent_cache.hpp"

namespace tandem::models {

// The job's LoRAs are merged once and stay while they are in force; networks under hooks are kept
// within the budget. Unpatching is forgetting: the network of the checkpoint alone is none of
// these.
template <class Network>
class PatchedNetworks {
 public:
  // budget: bytes of merged weights that may stay; 0: those of the network in force alone.
  explicit PatchedNetworks(std::uint64_t budget) : networks_(budget) {}

  void set_budget(std::uint64_t budget) { networks_.set_budget(budget); }

  // The network under this set, made where it is not there. Throws as merge_part and `build` do;
  // then nothing has changed but that room was made.
  const Network& get(const PatchSet& set, const PatchablePart& part, PatchFiles& files,
                     const std::function<Network(const std::vector<Weights>&)>& build) {
    if (const Network* known = networks_.find(set)) return *known;
    networks_.trim();
    const Replacements& base = merged_loras(set.loras, part, files);
    const Replacements merged = set.hooks.empty() ? base : merge_part(part, base, set.hooks, files);
    return networks_.put(set, build(replaced_weights(part, merged)), bytes_of(merged));
  }

  void clear() {
    networks_.clear();
    loras_.clear();
  }

  // Of merged weights, at most: networks that share the LoRAs' count them each.
  std::uint64_t bytes() const { return networks_.used() + loras_.used(); }

 private:
  const Replacements& merged_loras(const std::vector<Patch>& loras, const PatchablePart& part,
                                   PatchFiles& files) {
    if (const Replacements* known = loras_.find(loras)) return *known;
    loras_.trim();
    Replacements merged = merge_part(part, {}, loras, files);
    const std::uint64_t bytes = bytes_of(merged);
    return loras_.put(loras, std::move(merged), bytes);
  }

  RecentCache<std::vector<Patch>, Replacements> loras_{0};
  RecentCache<PatchSet, Network> networks_;
};

}  // namespace tandem::models
