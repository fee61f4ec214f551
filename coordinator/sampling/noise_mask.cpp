#include "coordinator/sampling/noise_mask.hpp"

#include <utility>

#include <ATen/ATen.h>

#include "coordinator/sampling/shapes.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

void check_mask(const at::Tensor& mask) {
  const bool has_channels = mask.dim() == 4;
  const bool fits = mask.dim() == 2 || mask.dim() == 3 || (has_channels && mask.size(1) == 1);
  if (fits && mask.numel() > 0) return;
  throw Error(ErrorCode::kBadShape,
              "A noise mask is (height, width), (n, height, width) or (n, 1, height, width), not " +
                  shape_text(mask.sizes()) + ".",
              "", "noise_mask");
}

}  // namespace

at::Tensor prepare_noise_mask(const at::Tensor& mask, at::IntArrayRef latent_shape) {
  check_mask(mask);
  const at::Tensor masks =
      mask.to(at::kCPU, at::kFloat).reshape({-1, 1, mask.size(-2), mask.size(-1)});
  const at::Tensor resized = at::upsample_bilinear2d(masks, latent_shape.slice(2), false);
  const std::int64_t batch = latent_shape[0];
  const std::int64_t repeats = (batch + resized.size(0) - 1) / resized.size(0);
  return resized.repeat({repeats, latent_shape[1], 1, 1}).slice(0, 0, batch).contiguous();
}

MaskedDenoiser::MaskedDenoiser(Denoiser& inner, const models::Prediction& prediction,
                               at::Tensor mask, at::Tensor latent, at::Tensor noise)
    : inner_(inner),
      prediction_(prediction),
      mask_(std::move(mask)),
      kept_(1.0 - mask_),
      latent_(std::move(latent)),
      noise_(std::move(noise)) {}

GuidedPrediction MaskedDenoiser::predict(const at::Tensor& x, float sigma) {
  const at::Tensor noised = prediction_.noise_scaling(sigma, noise_, latent_, false);
  GuidedPrediction guided = inner_.predict(x * mask_ + noised * kept_, sigma);
  guided.denoised = guided.denoised * mask_ + latent_ * kept_;
  return guided;
}

}  // namespace tandem::coordinator
