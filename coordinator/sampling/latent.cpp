#include "coordinator/sampling/latent.hpp"

#include <string>

#include <ATen/ATen.h>

#include "coordinator/sampling/shapes.hpp"
#include "protocol/error.hpp"

namespace tandem::coordinator {
namespace {

constexpr int kMaxSide = 1 << 16;
constexpr int kMaxBatch = 1 << 16;
constexpr std::int64_t kMaxElements = (std::int64_t{1} << 30) / sizeof(float);

void check_empty(const job::EmptyLatent& latent, const LatentFormat& format) {
  const auto check = [](const char* key, int value, int least, int most) {
    if (value >= least && value <= most) return;
    throw Error(ErrorCode::kOutOfRange,
                std::string("The latent's ") + key + " is " + std::to_string(least) + " to " +
                    std::to_string(most) + ", not " + std::to_string(value) + ".",
                "", std::string("latent.") + key);
  };
  check("width", latent.width, format.downscale, kMaxSide);
  check("height", latent.height, format.downscale, kMaxSide);
  check("batch", latent.batch, 1, kMaxBatch);
}

bool is_zero(const at::Tensor& latent) {
  return at::count_nonzero(latent).item<std::int64_t>() == 0;
}

}  // namespace

at::Tensor make_empty_latent(const job::EmptyLatent& latent, const LatentFormat& format) {
  check_empty(latent, format);
  const std::int64_t height = latent.height / format.downscale;
  const std::int64_t width = latent.width / format.downscale;
  const std::int64_t item = format.channels * height * width;
  if (item > kMaxElements / latent.batch) {
    throw Error(ErrorCode::kOutOfRange,
                "A latent has at most " + std::to_string(kMaxElements) + " elements; " +
                    std::to_string(latent.batch) + " of " + std::to_string(item) + " are more.",
                "Ask for fewer items or a smaller size.", "latent");
  }
  return at::zeros({latent.batch, format.channels, height, width}, at::kFloat);
}

at::Tensor fix_latent(const at::Tensor& latent, const LatentFormat& format) {
  if (latent.dim() != 4 || latent.numel() == 0) {
    throw Error(
        ErrorCode::kBadShape,
        "A latent is (batch, channels, height, width), not " + shape_text(latent.sizes()) + ".", "",
        "latent");
  }
  if (latent.size(1) == format.channels) return latent.to(at::kCPU, at::kFloat).contiguous();
  if (is_zero(latent)) {
    return at::zeros({latent.size(0), format.channels, latent.size(2), latent.size(3)}, at::kFloat);
  }
  throw Error(ErrorCode::kBadShape,
              "The model's latents have " + std::to_string(format.channels) +
                  " channels, this one has " + std::to_string(latent.size(1)) + ".",
              "It may come from another family's VAE.", "latent");
}

at::Tensor process_latent_in(const at::Tensor& latent, const LatentFormat& format) {
  if (is_zero(latent)) return latent;
  return (latent - format.shift) * format.scale;
}

at::Tensor process_latent_out(const at::Tensor& latent, const LatentFormat& format) {
  return latent / format.scale + format.shift;
}

}  // namespace tandem::coordinator
