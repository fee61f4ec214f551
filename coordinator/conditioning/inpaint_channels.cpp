#include "coordinator/conditioning/inpaint_channels.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/ATen.h>

#include "coordinator/conditioning/masks.hpp"
#include "models/tensor/repeat_to_batch.hpp"

namespace tandem::coordinator {
namespace {

// The latent of a picture of value 0, in the sampler's space.
constexpr float kBlankLatent[] = {0.8223F, -0.6876F, 0.6364F, 0.1380F};

double aspect_of(at::IntArrayRef height_and_width) {
  return static_cast<double>(height_and_width[1]) / static_cast<double>(height_and_width[0]);
}

// Cells to cut at both ends of a side of which only a share is to be kept.
std::int64_t margin(std::int64_t side, double kept_share) {
  const auto cells = static_cast<double>(side);
  return kept_share < 1.0 ? std::llrint((cells - cells * kept_share) / 2) : 0;
}

// ComfyUI's common_upscale, bilinear, crop "center".
at::Tensor resize_centered(const at::Tensor& image, at::IntArrayRef size) {
  if (image.sizes().slice(2) == size) return image;
  const double given = aspect_of(image.sizes().slice(2));
  const double wanted = aspect_of(size);
  const std::int64_t y = margin(image.size(2), given / wanted);
  const std::int64_t x = margin(image.size(3), wanted / given);
  const at::Tensor middle =
      image.narrow(2, y, image.size(2) - 2 * y).narrow(3, x, image.size(3) - 2 * x);
  return at::upsample_bilinear2d(middle, size, false);
}

// ComfyUI's resize_to_batch_size: rows spread evenly over the batch.
at::Tensor spread_rows(const at::Tensor& rows, std::int64_t batch) {
  const auto given = static_cast<double>(rows.size(0));
  const auto wanted = static_cast<double>(batch);
  if (rows.size(0) == batch) return rows;
  const auto row_of = [&](double item) {
    if (wanted < given) return std::nearbyint(item * ((given - 1) / std::max(1.0, wanted - 1)));
    return std::floor((item + 0.5) * (given / wanted));
  };
  std::vector<std::int64_t> picked;
  for (std::int64_t item = 0; item < batch; ++item) {
    const auto row = static_cast<std::int64_t>(row_of(static_cast<double>(item)));
    picked.push_back(std::min(row, rows.size(0) - 1));
  }
  return rows.index_select(0, at::tensor(picked, at::kLong));
}

at::Tensor blank_latent(at::IntArrayRef shape) {
  at::Tensor blank = at::ones(shape, at::kFloat);
  const auto channels = std::min<std::int64_t>(shape[1], std::size(kBlankLatent));
  for (std::int64_t i = 0; i < channels; ++i)
    blank.select(1, i).fill_(kBlankLatent[i]);
  return blank;
}

// A mask of the job is resized as the sampler's own, whole; one of the cond is cut to the aspect.
at::Tensor find_mask(const InpaintSources& sources) {
  const at::IntArrayRef shape = sources.latent.sizes();
  if (sources.concat_mask.defined()) {
    return spread_rows(resize_centered(sources.concat_mask, shape.slice(2)).round(), shape[0]);
  }
  if (!sources.noise_mask.defined()) return {};
  return models::repeat_to_batch(resize_mask(sources.noise_mask, shape), shape[0]).round();
}

}  // namespace

at::Tensor make_inpaint_channels(const InpaintSources& sources, const LatentFormat& format) {
  const at::IntArrayRef shape = sources.latent.sizes();
  const at::Tensor mask = find_mask(sources);
  if (!mask.defined()) {
    return at::cat({at::ones({shape[0], 1, shape[2], shape[3]}), blank_latent(shape)}, 1);
  }
  at::Tensor kept = sources.latent;
  if (sources.concat_latent_image.defined()) {
    kept = (sources.concat_latent_image - format.shift) * format.scale;
    kept = spread_rows(resize_centered(kept, shape.slice(2)), shape[0]);
  }
  return at::cat({mask, kept}, 1).contiguous();
}

}  // namespace tandem::coordinator
