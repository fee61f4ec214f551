#include "models/vae/autoencoder_kl.hpp"

#include <vector>

#include <ATen/ATen.h>

#include "protocol/error.hpp"

namespace tandem::models {
namespace {

std::optional<VaeEncoder> load_encoder(const Weights& weights, const VaeConfig& config) {
  if (!weights.contains("encoder.conv_in.weight")) return std::nullopt;
  return VaeEncoder(weights.under("encoder."), config);
}

// The 1 x 1 convolution between a network's channels and the latent's.
std::optional<Conv2d> load_quant_conv(const Weights& weights, const VaeConfig& config,
                                      const char* name, std::int64_t in, std::int64_t out) {
  if (config.embed_dim == 0) return std::nullopt;
  return Conv2d(weights, name, {.in = in, .out = out});
}

std::optional<Conv2d> load_encoders_quant_conv(const Weights& weights, const VaeConfig& config) {
  if (!weights.contains("encoder.conv_in.weight")) return std::nullopt;
  const std::int64_t moments = config.double_z ? 2 : 1;
  return load_quant_conv(weights, config, "quant_conv", moments * config.z_channels,
                         moments * config.embed_dim);
}

[[noreturn]] void refuse(const std::string& expected, const at::Tensor& found) {
  throw Error(ErrorCode::kBadShape,
              expected + ", but this has the shape " + c10::str(found.sizes()) + ".");
}

// The middle of a side, cut to a multiple of `step`.
at::Tensor crop(const at::Tensor& image, std::int64_t dim, std::int64_t step) {
  const std::int64_t surplus = image.size(dim) % step;
  return image.narrow(dim, surplus / 2, image.size(dim) - surplus);
}

}  // namespace

AutoencoderKL::AutoencoderKL(const Weights& weights, const VaeConfig& config)
    : decoder_(weights.under("decoder."), config),
      encoder_(load_encoder(weights, config)),
      quant_conv_(load_encoders_quant_conv(weights, config)),
      post_quant_conv_(
          load_quant_conv(weights, config, "post_quant_conv", config.embed_dim, config.z_channels)),
      options_(weights.options()),
      image_channels_(config.in_channels),
      latent_channels_(config.embed_dim != 0 ? config.embed_dim : config.z_channels),
      downscale_(std::int64_t{1} << (config.ch_mult.size() - 1)) {}

at::Tensor AutoencoderKL::decode_one(const at::Tensor& latent) const {
  const at::Tensor z = latent.to(options_.device, options_.compute);
  return decoder_(post_quant_conv_ ? (*post_quant_conv_)(z) : z).to(at::kFloat);
}

at::Tensor AutoencoderKL::decode(const at::Tensor& latent) const {
  return ((decode_unclamped(latent) + 1.0) / 2.0).clamp(0.0, 1.0);
}

at::Tensor AutoencoderKL::decode_unclamped(const at::Tensor& latent) const {
  if (latent.dim() != 4 || latent.size(1) != latent_channels_ || latent.numel() == 0) {
    refuse("A latent to decode must be (batch, " + std::to_string(latent_channels_) +
               ", height, width)",
           latent);
  }
  std::vector<at::Tensor> images;
  for (const at::Tensor& one : latent.split(1))
    images.push_back(decode_one(one));
  return at::cat(images).movedim(1, -1).contiguous();
}

at::Tensor AutoencoderKL::encode_one(const at::Tensor& pixels) const {
  const at::Tensor x = (pixels.to(at::kFloat) * 2.0 - 1.0).to(options_.device, options_.compute);
  const at::Tensor h = (*encoder_)(x);
  const at::Tensor moments = quant_conv_ ? (*quant_conv_)(h) : h;
  return moments.narrow(1, 0, latent_channels_).to(at::kFloat);
}

at::Tensor AutoencoderKL::encode(const at::Tensor& image) const {
  if (!encoder_) {
    throw Error(ErrorCode::kMissingTensor,
                "This VAE has a decoder only: it cannot encode a picture.",
                "Name a VAE file that holds encoder.conv_in.weight.");
  }
  if (image.dim() != 4 || image.size(0) == 0 || image.size(1) < downscale_ ||
      image.size(2) < downscale_ || image.size(3) < image_channels_) {
    refuse("An image to encode must be (batch, height, width, " + std::to_string(image_channels_) +
               ") with sides of at least " + std::to_string(downscale_),
           image);
  }
  const at::Tensor pixels = crop(crop(image, 1, downscale_), 2, downscale_)
                                .narrow(3, 0, image_channels_)
                                .movedim(-1, 1)
                                .contiguous();
  std::vector<at::Tensor> latents;
  for (const at::Tensor& one : pixels.split(1))
    latents.push_back(encode_one(one));
  return at::cat(latents);
}

}  // namespace tandem::models
