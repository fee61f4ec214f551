// Patches merged into weights: new tensors beside the checkpoint's, which is never written to.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "models/checkpoint/weights.hpp"
#include "models/patches/lora_keys.hpp"
#include "models/patches/patch_files.hpp"
#include "protocol/patches.hpp"

namespace tandem::models {

struct OpenPatch {
  std::shared_ptr<const PatchFile> file;
  double strength = 1.0;
};

// The weights that the patches change, by full name and as Weights::load gives them: each is taken
// to float32, changed by one patch after the other, and rounded once to the compute type. weights:
// of one file's part, perhaps with others already replaced; keys: the spellings of its names.
// Throws as apply_delta does, and as Weights::load for tensors that the file lacks.
TensorMap merge_patches(const Weights& weights, const LoraKeys& keys,
                        std::span<const OpenPatch> patches);

// Weights of one part of a model: a network reads one file or, with several text encoders, several.
struct PatchablePart {
  std::vector<Weights> weights;
  std::vector<LoraKeys> keys;  // one for each of the weights
};

// What takes the place of a part's tensors, one map for each of its weights.
using Replacements = std::vector<std::shared_ptr<const TensorMap>>;

// Merges patches over what already takes the tensors' places (empty: nothing does). The result
// holds both.
Replacements merge_part(const PatchablePart& part, const Replacements& before,
                        const std::vector<Patch>& patches, PatchFiles& files);

std::uint64_t bytes_of(const Replacements& replacements);

// The part's weights as a patched network is built from them.
std::vector<Weights> replaced_weights(const PatchablePart& part, const Replacements& replacements);

}  // namespace tandem::models
