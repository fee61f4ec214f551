// Requests about evaluators (docs/protocol.md) as values: a host keeps the sampling loop and asks
// for the predictions of its conds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/job/job.hpp"

namespace tandem {
namespace evaluator {

// What the network itself is given, by ComfyUI's names.
struct ModelConds {
  job::TensorName context;                // "c_crossattn": (rows, tokens, width)
  std::optional<job::TensorName> y;       // (rows, width)
  std::optional<job::TensorName> concat;  // "c_concat": (rows, channels, height, width)

  bool operator==(const ModelConds&) const = default;
};

struct Cond {
  job::Cond cond;  // its prompt counts where model_conds is not there
  std::optional<ModelConds> model_conds;
  std::optional<double> sigma_start, sigma_end;  // both ends included; else by the percents

  bool operator==(const Cond&) const = default;
};

using Conds = std::map<std::string, Cond>;  // by ids of the host's choice

enum class PatchKind : std::uint8_t { kLora, kLoha, kLokr, kDiff, kSet };

// A change of one weight of the diffusion model.
struct WeightPatch {
  std::string key;  // "diffusion_model....weight"
  PatchKind kind = PatchKind::kLora;
  double strength = 1.0;
  std::optional<double> alpha;
  std::map<std::string, job::TensorName> tensors;  // by their part: "up", "down"

  bool operator==(const WeightPatch&) const = default;
};

// Descriptors of memory that the host made, and how many outputs it has room for.
struct Slots {
  int input = 0, output = 0;
  int lists = 1;

  bool operator==(const Slots&) const = default;
};

}  // namespace evaluator

struct PrepareRequest {
  job::Job job;                     // "model", "hooks", "sampling", "context", "workers" alone
  std::vector<double> sigmas;       // of the host's run, which the windows of "context" go by
  std::vector<std::int64_t> shape;  // of x: (batch, channels, height, width)
  evaluator::Conds conds;
  std::vector<evaluator::WeightPatch> patches;
  std::optional<int> tensors;  // index of the descriptor with the tensors that are named
  std::optional<evaluator::Slots> slots;

  bool operator==(const PrepareRequest&) const = default;
};

struct AddCondsRequest {
  std::string evaluator;
  evaluator::Conds conds;
  std::optional<int> tensors;

  bool operator==(const AddCondsRequest&) const = default;
};

struct DropCondsRequest {
  std::string evaluator;
  std::vector<std::string> conds;

  bool operator==(const DropCondsRequest&) const = default;
};

struct EvaluateRequest {
  std::string evaluator;
  std::vector<double> sigmas;                    // one, or one for each item of x
  std::vector<std::vector<std::string>> lists;   // of ids of conds
  std::map<std::string, double> hook_strengths;  // by groups of hooks
  std::optional<int> tensors;                    // with "x"
  bool slot = false;                             // x lies in the slot, and the results go there

  bool operator==(const EvaluateRequest&) const = default;
};

struct ReleaseRequest {
  std::string evaluator;

  bool operator==(const ReleaseRequest&) const = default;
};

}  // namespace tandem
