// Changes of a model's weights that a unit computes with: which files, how strongly.
#pragma once

#include <vector>

#include "protocol/file_stamp.hpp"

namespace tandem {

struct Patch {
  FileStamp file;  // as the coordinator saw it; a worker that finds another one refuses
  double strength = 1.0;

  bool operator==(const Patch&) const = default;
};

// Two stages, each merged in float32 and rounded once to the type that the weights compute in: the
// job's LoRAs, and over them the hooks of the unit's conds.
struct PatchSet {
  std::vector<Patch> loras;
  std::vector<Patch> hooks;

  bool empty() const { return loras.empty() && hooks.empty(); }
  bool operator==(const PatchSet&) const = default;
};

}  // namespace tandem
