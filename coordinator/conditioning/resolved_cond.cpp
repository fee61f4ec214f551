#include "coordinator/conditioning/resolved_cond.hpp"

#include <array>
#include <limits>

#include <ATen/ATen.h>

#include "coordinator/conditioning/areas.hpp"
#include "coordinator/conditioning/masks.hpp"
#include "coordinator/sampling/shapes.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

void check_context(const at::Tensor& context, const ModelInfo& model, const std::string& path) {
  const bool fits = context.defined() && context.dim() == 3 && context.numel() > 0 &&
                    context.size(2) == model.context_width;
  if (fits) return;
  throw Error(ErrorCode::kBadShape,
              "A cond of " + model.display_name + " is (rows, tokens, " +
                  std::to_string(model.context_width) + "), not " +
                  (context.defined() ? shape_text(context.sizes()) : "absent") + ".",
              "Encode the text with the model's own encoders.", path);
}

void check_pooled(const at::Tensor& pooled, const ModelInfo& model, const std::string& path) {
  if (!pooled.defined()) {
    throw Error(ErrorCode::kBadRequest,
                "A cond of " + model.display_name + " needs the pooled text beside its tokens.",
                "Give \"pooled\" beside \"cond\".", path + ".pooled");
  }
  if (pooled.dim() == 2 && pooled.size(0) > 0 && pooled.size(1) == model.pooled_width) return;
  throw Error(ErrorCode::kBadShape,
              "The pooled text of " + model.display_name + " is (rows, " +
                  std::to_string(model.pooled_width) + "), not " + shape_text(pooled.sizes()) + ".",
              "", path + ".pooled");
}

// SDXL was trained with the sizes of its pictures (Podell et al. 2023, section 2.2).
std::array<double, 6> sizes_of(const job::Cond& cond, const LatentFormat& format,
                               at::IntArrayRef latent_shape) {
  const auto pixels = [&](std::size_t dim) {
    return static_cast<double>(latent_shape[dim]) * format.downscale;
  };
  const auto or_else = [](std::optional<int> size, double fallback) {
    return size ? static_cast<double>(*size) : fallback;
  };
  const double height = or_else(cond.height, pixels(2));
  const double width = or_else(cond.width, pixels(3));
  return {height,
          width,
          or_else(cond.crop_h, 0.0),
          or_else(cond.crop_w, 0.0),
          or_else(cond.target_height, height),
          or_else(cond.target_width, width)};
}

// 0 % is before every sigma, also before given ones above the model's own.
float sigma_start(const models::Prediction& prediction, double percent) {
  if (percent <= 0.0) return std::numeric_limits<float>::infinity();
  return static_cast<float>(prediction.percent_to_sigma(percent));
}

// Where it counts: area, mask, or where no other does.
void resolve_place(const RequestedCond& requested, at::IntArrayRef latent_shape,
                   const std::string& path, ResolvedCond& resolved) {
  resolved.area = resolve_area(requested.cond, latent_shape, path);
  if (requested.mask.defined()) {
    const std::string mask_path = path + ".mask";
    resolved.mask = resize_mask(as_mask(requested.mask, mask_path.c_str()), latent_shape);
    resolved.mask_strength = requested.cond.mask_strength;
    if (requested.cond.set_area_to_bounds) resolved.area = bounds_of(resolved.mask);
  }
  resolved.is_default = requested.cond.is_default;
  if (resolved.is_default && resolved.area) {
    throw Error(ErrorCode::kBadRequest,
                "A default cond counts where the others leave room, not in an area of its own.",
                "Leave out default, or the area.", path + ".default");
  }
}

}  // namespace

ResolvedCond resolve_cond(const RequestedCond& requested, const ModelInfo& model,
                          const models::Prediction& prediction, at::IntArrayRef latent_shape,
                          const std::string& path) {
  const job::Cond& cond = requested.cond;
  check_context(requested.tensors.context, model, path);
  ResolvedCond resolved = {requested.tensors, static_cast<float>(cond.strength),
                           sigma_start(prediction, cond.start_percent),
                           static_cast<float>(prediction.percent_to_sigma(cond.end_percent))};
  resolved.hooks = cond.hooks;
  resolve_place(requested, latent_shape, path, resolved);
  resolved.tensors.context = resolved.tensors.context.to(at::kCPU, at::kFloat).contiguous();
  if (model.pooled_width == 0) {
    resolved.tensors.pooled = at::Tensor();
    resolved.tensors.sizes.reset();
    return resolved;
  }
  check_pooled(requested.tensors.pooled, model, path);
  resolved.tensors.pooled = resolved.tensors.pooled.to(at::kCPU, at::kFloat).contiguous();
  resolved.tensors.sizes = sizes_of(cond, model.latent, latent_shape);
  return resolved;
}

}  // namespace tandem::coordinator
