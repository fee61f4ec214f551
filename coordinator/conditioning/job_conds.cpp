#include "coordinator/conditioning/job_conds.hpp"

#include <string>
#include <utility>

#include <ATen/ATen.h>

#include "coordinator/conditioning/inpaint_channels.hpp"
#include "coordinator/conditioning/masks.hpp"
#include "coordinator/conditioning/opposite_areas.hpp"

namespace tandem::coordinator {
namespace {

// An area of a list that the guider does not take must not reach the others.
std::vector<ListId> lists_taken(job::GuiderKind guider) {
  switch (guider) {
    case job::GuiderKind::kBasic:
      return {ListId::kPositive};
    case job::GuiderKind::kCfg:
      return {ListId::kPositive, ListId::kNegative};
    case job::GuiderKind::kDualCfg:
    case job::GuiderKind::kPerpNeg:
      break;
  }
  return {ListId::kPositive, ListId::kMiddle, ListId::kNegative};
}

const std::vector<RequestedCond>& conds_of(const SampleRequest& request, ListId list) {
  switch (list) {
    case ListId::kPositive:
      return request.positive;
    case ListId::kNegative:
      return request.negative;
    case ListId::kMiddle:
      break;
  }
  return request.middle;
}

at::Tensor optional_mask(const at::Tensor& mask, const std::string& path) {
  return mask.defined() ? as_mask(mask, path.c_str()) : mask;
}

at::Tensor inpaint_channels_of(const SampleRequest& request, const RequestedCond& cond,
                               const at::Tensor& latent, const std::string& path) {
  InpaintSources sources;
  if (cond.concat_latent_image.defined()) {
    sources.concat_latent_image = cond.concat_latent_image.to(at::kCPU, at::kFloat);
  }
  sources.concat_mask = optional_mask(cond.concat_mask, path + ".concat_mask");
  sources.latent = latent;
  sources.noise_mask = optional_mask(request.noise_mask.value_or(at::Tensor()), "noise_mask");
  return make_inpaint_channels(sources, request.model.latent);
}

CondList resolve_list(const SampleRequest& request, ListId list,
                      const models::Prediction& prediction, const at::Tensor& latent) {
  const bool is_inpainting = request.model.unet_in_channels != request.model.latent.channels;
  const std::vector<RequestedCond>& requested = conds_of(request, list);
  CondList resolved = {list, {}};
  for (std::size_t i = 0; i < requested.size(); ++i) {
    const std::string path = std::string(name(list)) + "[" + std::to_string(i) + "]";
    ResolvedCond cond = resolve_cond(requested[i], request.model, prediction, latent.sizes(), path);
    if (is_inpainting) {
      cond.tensors.concat = inpaint_channels_of(request, requested[i], latent, path);
    }
    resolved.conds.push_back(std::move(cond));
  }
  return resolved;
}

}  // namespace

std::vector<CondList> resolve_job_conds(const SampleRequest& request,
                                        const models::Prediction& prediction,
                                        const at::Tensor& latent) {
  std::vector<CondList> lists;
  for (const ListId list : lists_taken(request.guider.kind)) {
    lists.push_back(resolve_list(request, list, prediction, latent));
  }
  add_opposite_areas(lists);
  return lists;
}

}  // namespace tandem::coordinator
