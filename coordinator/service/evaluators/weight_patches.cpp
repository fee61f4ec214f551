#include "coordinator/service/evaluators/weight_patches.hpp"

#include <cstring>
#include <deque>
#include <map>
#include <set>

#include "coordinator/service/model_spec_of.hpp"
#include "models/checkpoint/detect.hpp"
#include "models/checkpoint/header_file.hpp"
#include "protocol/error.hpp"
#include "protocol/evaluator/patch_kinds.hpp"
#include "protocol/json_text.hpp"

namespace tandem::coordinator {
namespace {

using evaluator::PatchKind;
using evaluator::WeightPatch;

constexpr std::string_view kModel = "diffusion_model.";
constexpr std::string_view kWeight = ".weight";

// Patches of one strength that change each weight once.
struct PatchGroup {
  double strength = 1.0;
  std::vector<std::size_t> patches;
};

// A patch may stand before others, but not before one of the same weight.
std::vector<PatchGroup> group_patches(const std::vector<WeightPatch>& patches) {
  std::vector<PatchGroup> groups;
  std::map<std::string, std::size_t> next;  // by key: the first group that a patch may go to
  for (std::size_t i = 0; i < patches.size(); ++i) {
    std::size_t& group = next[patches[i].key];
    while (group < groups.size() && groups[group].strength != patches[i].strength)
      ++group;
    if (group == groups.size()) groups.push_back({patches[i].strength, {}});
    groups[group++].patches.push_back(i);
  }
  return groups;
}

std::set<std::string> weights_of(const job::Job& job) {
  const models::Inspection found = models::inspect_model(model_spec_of(job));
  std::set<std::string> names;
  const std::string& prefix = found.unet->prefix;
  const models::HeaderFile file(found.unet->file);
  for (const auto& [name, entry] : file.header().tensors) {
    if (name.starts_with(prefix)) names.insert(name.substr(prefix.size()));
  }
  return names;
}

void refuse(const std::string& path, const std::string& why, const std::string& hint = {}) {
  throw Error(ErrorCode::kBadRequest, path + ": " + why, hint, path);
}

void check_key(const WeightPatch& patch, const std::string& path,
               const std::set<std::string>& weights) {
  const std::string key = key_path(path, "key");
  if (!patch.key.starts_with(kModel)) {
    refuse(key, "patches are of the diffusion model's weights.",
           "Its keys begin with diffusion_model.; a text encoder's are changed by model.loras.");
  }
  if (weights.contains(patch.key.substr(kModel.size()))) return;
  refuse(key, "the model has no weight of this key.", "Keys are ComfyUI's, with their endings.");
}

// Whether all that the kind cannot do without is there.
void check_parts(const WeightPatch& patch, const std::string& path) {
  const auto needs = [&](const char* part) {
    if (patch.tensors.contains(part)) return;
    refuse(key_path(path, "tensors"), std::string("the part ") + part + " is missing.");
  };
  const auto needs_factor = [&](const std::string& whole) {
    if (patch.tensors.contains(whole)) return;
    needs((whole + "_a").c_str());
    needs((whole + "_b").c_str());
  };
  switch (patch.kind) {
    case PatchKind::kLora:
      needs("up");
      return needs("down");
    case PatchKind::kLoha:
      for (const char* part : {"w1_a", "w1_b", "w2_a", "w2_b"})
        needs(part);
      return;
    case PatchKind::kLokr:
      needs_factor("w1");
      return needs_factor("w2");
    case PatchKind::kDiff:
      return needs("diff");
    case PatchKind::kSet:
      return needs("set");
  }
}

// The name of a LoRA's file for the weight; what follows it says what a tensor is.
std::string name_of(const WeightPatch& patch) {
  return patch.key.ends_with(kWeight) ? patch.key.substr(0, patch.key.size() - kWeight.size())
                                      : patch.key;
}

class PatchFileMaker {
 public:
  explicit PatchFileMaker(const TensorFile* tensors) : tensors_(tensors) {}

  void add(const WeightPatch& patch, const std::string& path) {
    const std::string name = name_of(patch);
    for (const auto& [part, tensor] : patch.tensors) {
      const std::string key = key_path(key_path(path, "tensors"), part);
      if (tensors_ == nullptr) {
        throw Error(ErrorCode::kMissingTensor, key + ": the message came without tensors.", {},
                    key);
      }
      const std::string ending(evaluator::find_part(patch.kind, part)->ending);
      const TensorLayout& layout = tensors_->layout(tensor, key);
      named_.push_back({name + ending, layout, tensors_->bytes(tensor)});
    }
    if (!patch.alpha) return;
    const double& alpha = alphas_.emplace_back(*patch.alpha);
    named_.push_back({name + ".alpha", {DType::kF64, {}}, std::as_bytes(std::span(&alpha, 1))});
  }

  std::shared_ptr<const MemoryFile> make() const { return make_memory_file("patches", named_); }

 private:
  const TensorFile* tensors_;
  std::deque<double> alphas_;  // a deque, since the named bytes point to them
  std::vector<NamedBytes> named_;
};

}  // namespace

void add_weight_patches(AcceptedJob& job, const std::vector<WeightPatch>& patches,
                        const TensorFile* tensors) {
  if (patches.empty()) return;
  const std::set<std::string> weights = weights_of(job.job);
  for (std::size_t i = 0; i < patches.size(); ++i) {
    check_key(patches[i], key_path("patches", i), weights);
    check_parts(patches[i], key_path("patches", i));
  }
  const std::vector<PatchGroup> groups = group_patches(patches);
  if (groups.size() > kMaxPatchFiles) {
    throw Error(ErrorCode::kQuota,
                "patches: they have more than " + std::to_string(kMaxPatchFiles) +
                    " strengths, those of one weight counted each.",
                "Merge strengths into the tensors.", "patches");
  }
  for (const PatchGroup& group : groups) {
    PatchFileMaker maker(tensors);
    for (const std::size_t i : group.patches)
      maker.add(patches[i], key_path("patches", i));
    job.memory_files.push_back(maker.make());
    job.weight_patches.push_back({job.memory_files.back()->stamp, group.strength});
  }
}

}  // namespace tandem::coordinator
