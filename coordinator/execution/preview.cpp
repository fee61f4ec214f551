#include "coordinator/execution/preview.hpp"

#include <ATen/ATen.h>

namespace tandem::coordinator {
namespace {

// As ComfyUI's Latent2RGBPreviewer: -1 to 1 as 0 to 255, cut and not rounded.
at::Tensor in_colours(const at::Tensor& cells, const models::LatentColours& colours) {
  at::Tensor factors = at::empty({static_cast<std::int64_t>(colours.factors.size()), 3});
  for (std::size_t channel = 0; channel < colours.factors.size(); ++channel) {
    for (std::size_t colour = 0; colour < 3; ++colour)
      factors[static_cast<std::int64_t>(channel)][static_cast<std::int64_t>(colour)] =
          colours.factors[channel][colour];
  }
  const at::Tensor bias =
      at::tensor({colours.bias[0], colours.bias[1], colours.bias[2]}, at::kFloat);
  const at::Tensor rgb = at::linear(cells.movedim(0, -1), factors.t(), bias);
  return ((rgb + 1.0) / 2.0).clamp(0, 1).mul(255).to(at::kByte);
}

}  // namespace

ResultFile make_preview(const at::Tensor& denoised, const models::LatentColours& colours) {
  std::vector<NamedTensor> tensors = {{"x0", denoised.to(at::kHalf)}};
  const at::Tensor first = denoised.dim() == 5 ? denoised[0].select(1, 0) : denoised[0];
  if (static_cast<std::int64_t>(colours.factors.size()) == first.size(0)) {
    tensors.emplace_back("preview", in_colours(first.to(at::kFloat), colours));
  }
  return make_result_file(tensors);
}

}  // namespace tandem::coordinator
