// The VAE of the latent diffusion models: pictures to latents and back (Rombach et al. 2022).
#pragma once

#include <cstdint>
#include <optional>

#include <ATen/core/Tensor.h>

#include "models/checkpoint/weights.hpp"
#include "models/layers/conv.hpp"
#include "models/vae/networks.hpp"
#include "models/vae/vae_config.hpp"

namespace tandem::models {

// Latents are as a user sees them, before the diffusion model's scale and shift. Computes in the
// weights' type on their device, one picture at a time, so that neither memory nor bits depend on
// the batch; inputs may lie on any device. Both directions are const and may run on several
// threads.
class AutoencoderKL {
 public:
  // Tensors encoder.*, decoder.*, quant_conv.*, post_quant_conv.*. A file without encoder.* decodes
  // only. Throws kMissingTensor, kBadShape.
  AutoencoderKL(const Weights& weights, const VaeConfig& config);

  // latent (b, latent_channels(), h, w), real -> image (b, downscale() h, downscale() w, out_ch)
  // float32, 0 to 1, on the model's device. Throws kBadShape.
  at::Tensor decode(const at::Tensor& latent) const;

  // The same before the last step, for tiles that are blended first: what the decoder gives, about
  // -1 to 1 and not clamped; decode's result is clamp((x + 1) / 2).
  at::Tensor decode_unclamped(const at::Tensor& latent) const;

  // image (b, height, width, channels) real, 0 to 1 -> the mean latent (b, latent_channels(),
  // height / downscale(), width / downscale()) float32 on the model's device. Sides are cut to
  // multiples of downscale(), centred; channels after the third (alpha) are left out. Throws
  // kBadShape; kMissingTensor where the file has no encoder.
  at::Tensor encode(const at::Tensor& image) const;

  std::int64_t latent_channels() const { return latent_channels_; }
  // Pixels of a side to one cell of the latent.
  std::int64_t downscale() const { return downscale_; }

 private:
  at::Tensor decode_one(const at::Tensor& latent) const;
  at::Tensor encode_one(const at::Tensor& pixels) const;

  VaeDecoder decoder_;
  std::optional<VaeEncoder> encoder_;
  std::optional<Conv2d> quant_conv_;
  std::optional<Conv2d> post_quant_conv_;
  LoadOptions options_;
  std::int64_t image_channels_;
  std::int64_t latent_channels_;
  std::int64_t downscale_;
};

}  // namespace tandem::models
