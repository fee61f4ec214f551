// Conds as the network wants them, and several of them as one batch.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include <ATen/core/Tensor.h>

#include "models/families/family.hpp"
#include "protocol/latent_region.hpp"
#include "protocol/model_info.hpp"

namespace tandem::models {

struct CondInputs {
  at::Tensor context;  // (rows, tokens, width) float32
  at::Tensor pooled;   // (rows, width) float32; undefined where there is none
  // Pixels: height, width, crop_h, crop_w, target_height, target_width.
  std::optional<std::array<double, 6>> sizes;
  // What an inpainting model gets beside x, of the whole latent: (rows, unet_in_channels - latent
  // channels, h, w) float32, mask first; undefined for other models.
  at::Tensor concat;
  // (rows, adm_in_channels) float32 in place of pooled and sizes; undefined: they make it.
  at::Tensor y = {};
};

// In the network's type, on its device. Immutable.
struct PreparedCond {
  at::Tensor context;                // (rows, tokens, width)
  std::optional<at::Tensor> y;       // (rows, adm_in_channels)
  std::optional<at::Tensor> concat;  // (rows, channels, h, w) float32, on the device
};

// Checks a cond against the model and builds the family's vector condition. For SDXL that is pooled
// text beside the sinusoidal embeddings, 256 wide, of height, width, crop_h, crop_w, target_height
// and target_width (Podell et al. 2023, section 2.2). Throws kBadShape; kBadRequest where the
// family needs a pooled vector or sizes and there are none (ComfyUI fails there too).
PreparedCond prepare_cond(const CondInputs& inputs, const Family& family, const ModelInfo& info,
                          const at::TensorOptions& options);

// The conds' contexts one after the other, (conds * batch, tokens, width). Different token counts
// are repeated to their least common multiple, which leaves the attention's result as it is. batch:
// of what the region leaves; where that is one item, the rows are that item's.
at::Tensor join_contexts(std::span<const PreparedCond* const> conds, std::int64_t batch,
                         const LatentRegion& region = {});

// The same for the vector conditions and for what is concatenated to x, of which the region is
// taken; nullopt where no cond has one. Throws kBadRequest where some have and others have not.
std::optional<at::Tensor> join_vectors(std::span<const PreparedCond* const> conds,
                                       std::int64_t batch, const LatentRegion& region = {});
std::optional<at::Tensor> join_concats(std::span<const PreparedCond* const> conds,
                                       std::int64_t batch, const LatentRegion& region);

}  // namespace tandem::models
