// A job's sampling from latent to latent: ComfyUI's `sample` on one page.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "coordinator/conditioning/hook_groups.hpp"
#include "coordinator/conditioning/resolved_cond.hpp"
#include "coordinator/sampling/progress.hpp"
#include "coordinator/units/unit_runner.hpp"
#include "protocol/job/job.hpp"
#include "protocol/model_info.hpp"

namespace tandem::coordinator {

// All that the numbers of a sampling depend on, besides the model's weights.
struct SampleRequest {
  ModelInfo model;
  job::Sampler sampler;
  job::Guider guider;
  job::Sampling sampling;
  std::optional<job::Motion> motion;
  job::Noise noise;
  at::Tensor latent;                       // (batch, channels, height, width), as a user sees it
  std::optional<at::Tensor> noise_tensor;  // what noise.tensor names
  std::optional<at::Tensor> noise_mask;    // what noise_mask names: 1 where the latent is to change
  std::optional<at::Tensor> sigmas;        // what sampler.sigmas names
  std::optional<job::Context> context;
  std::vector<RequestedCond> positive;
  std::vector<RequestedCond> negative;
  std::vector<RequestedCond> middle;
  HookGroups hooks;
  // Decide which conds share a forward pass.
  job::Batching batching = job::Batching::kAuto;
  std::size_t workers = 1;
  std::string device_kind = "cpu";
  bool split_batch = false;  // an item of a batch shares it with no other
};

// Returns the sampled latent as a user sees it (after process_out), float32 on the CPU; the latent
// as given where there is nothing to sample. Workers must denoise with apply_sampling's parameters.
// Deterministic: the same request and the same results of runner give the same bits. Throws Error:
// kUnsupported for a model that this version cannot run, kOutOfRange, kBadShape
// and kBadRequest for bad input, and what runner and on_step throw.
at::Tensor sample(const SampleRequest& request, UnitRunner& runner, const OnStep& on_step = {});

}  // namespace tandem::coordinator
