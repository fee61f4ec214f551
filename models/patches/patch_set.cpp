#include "models/patches/patch_set.hpp"

#include <map>
#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "models/patches/deltas.hpp"
#include "protocol/error.hpp"

namespace tandem::models {
namespace {

struct Change {
  const PatchFile* file = nullptr;
  NamedDelta delta;
  double strength = 1.0;
};

// Of each weight, in the order of the patches.
std::map<std::string, std::vector<Change>> changes_of(const LoraKeys& keys,
                                                      std::span<const OpenPatch> patches) {
  std::map<std::string, std::vector<Change>> changes;
  for (const OpenPatch& patch : patches) {
    for (auto& [place, delta] : find_deltas(patch.file->names, keys)) {
      // A weight that is set is set at any strength.
      if (patch.strength == 0.0 && delta.row->format != DeltaFormat::kSet) continue;
      changes[place.first].push_back({patch.file.get(), std::move(delta), patch.strength});
    }
  }
  return changes;
}

// The part of the weight that the change speaks of, as a view in the form in which it does.
at::Tensor part_of(const at::Tensor& weight, const PatchTarget& target) {
  at::Tensor part = weight;
  if (target.rows) part = part.narrow(0, target.rows->first, target.rows->count);
  return target.transposed ? part.transpose(0, 1) : part;
}

// Errors name the file.
void apply_change(const at::Tensor& weight, const Change& change) {
  const at::Tensor part = part_of(weight, change.delta.target);
  try {
    part.copy_(apply_delta(part.contiguous(), change.file->tensors, change.delta, change.strength));
  } catch (const Error& error) {
    Failure failure = error.failure();
    failure.message = "'" + change.file->path + "': " + failure.message;
    failure.path = change.file->path;
    throw Error(std::move(failure));
  }
}

}  // namespace

TensorMap merge_patches(const Weights& weights, const LoraKeys& keys,
                        std::span<const OpenPatch> patches) {
  TensorMap merged;
  for (const auto& [name, changes] : changes_of(keys, patches)) {
    const at::Tensor weight = weights.load(name);
    at::Tensor sum = weight.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
    for (const Change& change : changes)
      apply_change(sum, change);
    merged.emplace(weights.full_name(name), sum.to(weight.scalar_type()));
  }
  return merged;
}

Replacements merge_part(const PatchablePart& part, const Replacements& before,
                        const std::vector<Patch>& patches, PatchFiles& files) {
  std::vector<OpenPatch> open;
  for (const Patch& patch : patches)
    open.push_back({files.open(patch.file), patch.strength});
  const std::vector<Weights> weights = replaced_weights(part, before);
  Replacements after;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    TensorMap merged = merge_patches(weights[i], part.keys[i], open);
    if (!before.empty()) merged.insert(before[i]->begin(), before[i]->end());
    after.push_back(std::make_shared<const TensorMap>(std::move(merged)));
  }
  return after;
}

std::uint64_t bytes_of(const Replacements& replacements) {
  std::uint64_t bytes = 0;
  for (const auto& tensors : replacements) {
    for (const auto& [name, tensor] : *tensors)
      bytes += tensor.nbytes();
  }
  return bytes;
}

std::vector<Weights> replaced_weights(const PatchablePart& part, const Replacements& replacements) {
  if (replacements.empty()) return part.weights;
  std::vector<Weights> weights;
  for (std::size_t i = 0; i < part.weights.size(); ++i)
    weights.push_back(part.weights[i].with(replacements[i]));
  return weights;
}

}  // namespace tandem::models
