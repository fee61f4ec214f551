#include "coordinator/execution/requested_conds.hpp"

#include <algorithm>

#include <ATen/ATen.h>

#include "coordinator/execution/job_inputs.hpp"
#include "coordinator/execution/plugin_hooks.hpp"

namespace tandem::coordinator {
namespace {

void put_given(const AcceptedJob& job, const job::EncodedPrompt& given, const std::string& path,
               CondTensors& tensors) {
  tensors.context = load_tensor(job, given.cond, path + ".cond").to(at::kFloat);
  if (!given.pooled.empty() && job.info.pooled_width > 0) {
    tensors.pooled = load_tensor(job, given.pooled, path + ".pooled").to(at::kFloat);
  }
}

}  // namespace

RequestedCond placed_cond(const AcceptedJob& job, const job::Cond& cond, const std::string& path) {
  const auto tensor = [&](const std::optional<job::TensorName>& name, const char* of) {
    return name ? load_tensor(job, *name, path + of) : at::Tensor();
  };
  RequestedCond placed{{},
                       cond,
                       tensor(cond.mask, ".mask"),
                       tensor(cond.concat_latent_image, ".concat_latent_image"),
                       tensor(cond.concat_mask, ".concat_mask")};
  placed.tensors.plugin_hooks = plugin_hooks_of(job.job, cond);
  return placed;
}

std::vector<RequestedCond> requested_conds(const AcceptedJob& job, const job::Cond& cond,
                                           const std::string& path, const EncodedPrompts& prompts) {
  std::vector<RequestedCond> requested;
  const RequestedCond place = placed_cond(job, cond, path);
  if (const auto* given = std::get_if<job::EncodedPrompt>(&cond.prompt)) {
    put_given(job, *given, path, requested.emplace_back(place).tensors);
    return requested;
  }
  for (const EncodedPromptResult& range : prompts.at(path)) {
    RequestedCond& of_range = requested.emplace_back(place);
    of_range.tensors.context = range.cond;
    if (job.info.pooled_width > 0) of_range.tensors.pooled = range.pooled;
    of_range.cond.start_percent = std::max(cond.start_percent, range.start_percent);
    of_range.cond.end_percent = std::min(cond.end_percent, range.end_percent);
  }
  return requested;
}

}  // namespace tandem::coordinator
